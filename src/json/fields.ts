/**
 * Serialized session data: each top-level key with the tagged JSON text of its value, in insertion order. The text of an
 * unchanged value is written back unchanged, so no value loses its Python type.
 */
export type Fields = ReadonlyMap<string, string>;

/** A session without data. */
export const EMPTY_FIELDS: Fields = new Map();

/** The three keys with the longest JSON texts, with their length in bytes of UTF-8, longest first. */
export function largestFields(fields: Fields): [key: string, bytes: number][] {
  return [...fields]
    .map(([key, text]): [string, number] => [key, Buffer.byteLength(text)])
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3);
}

/** The same in words, for error messages. A key may be long and may contain anything. */
export function describeLargest(largest: readonly (readonly [key: string, bytes: number])[]): string {
  return largest.map(([key, bytes]) => `${JSON.stringify(key.slice(0, 40))} (${bytes} bytes)`).join(", ");
}
