import { StoreError } from "../../errors.ts";
import { describeLargest, largestFields, type Fields } from "../../json/fields.ts";

/** How large one record may grow. Both are checked before a write is applied. */
export interface RecordLimits {
  /** Number of fields. Default 1000; no more than 10 000 are read. */
  readonly fields: number;
  /** Keys and texts together, in bytes of UTF-8. Default 262144. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: RecordLimits = { fields: 1000, bytes: 256 * 1024 };

const OWNER_BYTES = 255;
const DEVICE_BYTES = 1024;

/** NUL and lone surrogates have no place in UTF-8 columns. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** @throws StoreError "too-large", naming the largest keys and their sizes, never a value. */
export function checkSize(fields: Fields, limits: RecordLimits): void {
  // A character is 3 bytes at most, and counting characters costs nothing.
  if (fields.size <= limits.fields && charactersOf(fields) * 3 <= limits.bytes) return;
  let bytes = 0;
  for (const [key, text] of fields) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  if (fields.size <= limits.fields && bytes <= limits.bytes) return;
  throw new StoreError(
    "too-large",
    `The session record may have ${limits.fields} fields and ${limits.bytes} bytes: it would have ${fields.size} fields and ${bytes} bytes; largest: ${describeLargest(largestFields(fields))}. Keep less in the session or raise "recordLimits".`,
  );
}

function charactersOf(fields: Fields): number {
  let characters = 0;
  for (const [key, text] of fields) characters += key.length + text.length;
  return characters;
}

/** @throws StoreError "invalid" for an owner or a device that no store could keep */
export function checkLogin(owner: string | null, device: string | undefined): void {
  if (owner !== null && !fits(owner, OWNER_BYTES)) throw invalid("owner", OWNER_BYTES);
  if (device !== undefined && !fits(device, DEVICE_BYTES)) throw invalid("device", DEVICE_BYTES);
}

function fits(text: string, bytes: number): boolean {
  return text !== "" && Buffer.byteLength(text) <= bytes && isStorable(text);
}

function invalid(name: string, bytes: number): StoreError {
  return new StoreError(
    "invalid",
    `The "${name}" of a session must be a text of 1 to ${bytes} bytes, without NUL and half surrogate pairs.`,
  );
}
