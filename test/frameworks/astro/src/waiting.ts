/** What the pages wait for that are not whole yet. */
export const waiting = new Set<(value: unknown) => void>();
