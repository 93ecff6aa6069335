/**
 * Session data as it travels: each top-level key with the tagged-JSON text of its value, in insertion order.
 * A text that nobody touched goes back as the very same text, so no value loses its Python type on the way.
 */
export type Fields = ReadonlyMap<string, string>;

/** A session without data. */
export const EMPTY_FIELDS: Fields = new Map();
