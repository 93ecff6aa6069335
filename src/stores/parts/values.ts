import type { Replaced, Stored, Write } from "./store.ts";

/** What stores have in common: their answers, and how a record is written down where an engine has room for one value. */

export const OK = { status: "ok" } as const;
export const GONE = { status: "gone" } as const;

/** The answer to a step whose condition did not hold. @param current what is there by now */
export function refused<Content>(current: Stored<Content> | undefined): Replaced<Content> {
  return current === undefined ? GONE : { status: "conflict", current };
}

/** Length of a commit id, which stands in front of the text. */
export const COMMIT = 16;

/** A value that is shorter than a commit id was not written by a store; its text cannot be decoded. */
export function storedOf(value: string): Stored {
  return { text: value.slice(COMMIT), commit: value.slice(0, COMMIT) };
}

/** The first `length` characters of a record, as a text of their own: a slice would keep all of it in memory. */
export function headOf<Content>(stored: Stored<Content>, length: number): Stored<Content> {
  const { text } = stored;
  if (typeof text !== "string" || text.length <= length) return stored;
  const head = Buffer.from(text.slice(0, length), "utf16le").toString("utf16le");
  return { ...stored, text: head as Content & string };
}

export function millisecondsOf(lifetime: number): number {
  return Math.max(1, Math.ceil(lifetime * 1000));
}

/** For engines that count whole seconds: a value that says until when it is good, in epoch milliseconds. */
export function datedValue({ text, commit }: Write, until: number): string {
  return `${commit}${until} ${text}`;
}

/** What is in a {@link datedValue} that is still good. */
export function storedUntil(value: string, now: number): Stored | undefined {
  const space = value.indexOf(" ", COMMIT);
  if (Number(value.slice(COMMIT, space)) <= now) return undefined;
  return { text: value.slice(space + 1), commit: value.slice(0, COMMIT) };
}

/** A text that a driver gave, if as bytes. @returns `undefined` for anything else */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!(value instanceof Uint8Array)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
}
