/** What the pages wait for that are not whole yet. */
const waiting = new Set<() => void>();

export const waitingForRelease = () => new Promise<void>((resolve) => waiting.add(resolve));

export function release(): void {
  for (const resolve of waiting) resolve();
  waiting.clear();
}
