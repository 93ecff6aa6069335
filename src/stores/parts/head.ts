import type { Stored } from "./store.ts";

/** The record with the first `length` characters of its text, copied: a slice would keep the whole text in memory. */
export function headOf<Content>(stored: Stored<Content>, length: number): Stored<Content> {
  const { text } = stored;
  if (typeof text !== "string" || text.length <= length) return stored;
  const head = Buffer.from(text.slice(0, length), "utf16le").toString("utf16le");
  return { ...stored, text: head as Content & string };
}
