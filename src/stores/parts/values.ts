import type { Replaced, Stored, Write } from "./store.ts";

/** Shared by stores: results of steps, and encoding a record as one value. */

export const OK = { status: "ok" } as const;
export const GONE = { status: "gone" } as const;

/** The result of a step whose condition was not met. @param current the stored record */
export function conditionFailed<Content>(current: Stored<Content> | undefined): Replaced<Content> {
  return current === undefined ? GONE : { status: "conflict", current };
}

/** Length of the commit id, which precedes the text. */
export const COMMIT = 16;

/** For engines that expire in whole seconds: a value with its expiry in epoch milliseconds. */
export function valueWithExpiry({ text, commit }: Write, until: number): string {
  return `${commit}${until} ${text}`;
}

/** Parses a {@link valueWithExpiry}; `undefined` if it has expired. */
export function unexpired(value: string, now: number): Stored | undefined {
  const space = value.indexOf(" ", COMMIT);
  if (Number(value.slice(COMMIT, space)) <= now) return undefined;
  return { text: value.slice(space + 1), commit: value.slice(0, COMMIT) };
}

/** A text that a driver returns as a string or as bytes. @returns `undefined` for anything else */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!(value instanceof Uint8Array)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
}

/** The record with the first `length` characters of its text, copied: a slice would keep the whole text in memory. */
export function headOf<Content>(stored: Stored<Content>, length: number): Stored<Content> {
  const { text } = stored;
  if (typeof text !== "string" || text.length <= length) return stored;
  const head = Buffer.from(text.slice(0, length), "utf16le").toString("utf16le");
  return { ...stored, text: head as Content & string };
}
