/**
 * Session data as it travels: each top-level key with the tagged-JSON text of its value, in insertion order.
 * A text that was not touched goes back as the very same text, so no value loses its Python type on the way.
 */
export type Fields = ReadonlyMap<string, string>;

/** A session without data. */
export const EMPTY_FIELDS: Fields = new Map();

/** Of the three keys with the longest texts: how many bytes of UTF-8 each text has, longest first. */
export function largestFields(fields: Fields): [key: string, bytes: number][] {
  return [...fields]
    .map(([key, text]): [string, number] => [key, Buffer.byteLength(text)])
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3);
}

/** The same in words, for the message of an error. A key may be long and may hold anything. */
export function describeLargest(largest: readonly (readonly [key: string, bytes: number])[]): string {
  return largest.map(([key, bytes]) => `${JSON.stringify(key.slice(0, 40))} (${bytes} bytes)`).join(", ");
}
