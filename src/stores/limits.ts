import { StoreError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import type { Change, Claim, NewSession, Rotation } from "./verbs.ts";

/** How large one record may grow. Both are checked before a write is applied. */
export interface RecordLimits {
  /** Number of fields. Default 1000; no more than 10 000 are read. */
  readonly fields: number;
  /** Keys and texts together, in bytes of UTF-8. Default 262144. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: RecordLimits = { fields: 1000, bytes: 256 * 1024 };

const SELECTOR = /^[A-Za-z0-9_-]{1,64}$/;
/** NUL and lone surrogates have no place in UTF-8 columns. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const OWNER_BYTES = 255;
const DEVICE_BYTES = 1024;

/** What fields weigh against `RecordLimits.bytes`. */
export function weigh(fields: Fields): number {
  let bytes = 0;
  for (const [key, text] of fields) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes;
}

/** @throws StoreError "too-large", naming the largest keys and their sizes, never a value. */
export function checkSize(fields: Fields, limits: RecordLimits): void {
  const bytes = weigh(fields);
  if (fields.size <= limits.fields && bytes <= limits.bytes) return;
  const largest = [...fields]
    .map(([key, text]) => [key.slice(0, 40), Buffer.byteLength(text)] as const)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([key, size]) => `"${key}" (${size} bytes)`);
  throw tooLarge(
    limits,
    `it would have ${fields.size} fields and ${bytes} bytes; largest: ${largest.join(", ")}`,
  );
}

export function tooLarge(limits: RecordLimits, detail = "this change would make it larger"): StoreError {
  return new StoreError(
    "too-large",
    `The session record may have ${limits.fields} fields and ${limits.bytes} bytes: ${detail}. Keep less in the session or raise the store's "limits".`,
  );
}

/** Refuses what some engine could not keep faithfully, so that all stores take and refuse the same. */
export function checkNewSession(session: NewSession, limits: RecordLimits): void {
  if (!SELECTOR.test(session.selector)) throw invalid("selector");
  if (!SELECTOR.test(session.verifierHash)) throw invalid("verifierHash");
  checkChange(
    { set: session.fields, expiry: session.expiry, claim: session.claim, device: session.device },
    limits,
  );
}

/** @see checkNewSession */
export function checkChange(change: Change, limits: RecordLimits): void {
  if (change.set) {
    checkSize(change.set, limits);
    for (const text of change.set.values()) if (UNSTORABLE.test(text)) throw invalid("field text");
  }
  if (change.expiry) {
    checkSeconds("expiry.idle", change.expiry.idle);
    if (typeof change.expiry.absolute === "number") checkSeconds("expiry.absolute", change.expiry.absolute);
  }
  if (change.claim) checkClaim(change.claim);
  if (change.device !== undefined && !storable(change.device, DEVICE_BYTES)) throw invalid("device");
}

/** @see checkNewSession */
export function checkRotation(rotation: Rotation, limits: RecordLimits): void {
  if (!SELECTOR.test(rotation.next)) throw invalid("rotation.next");
  if (!(rotation.grace >= 0 && rotation.grace < Infinity)) throw invalid("rotation.grace");
  if (rotation.change) checkChange(rotation.change, limits);
}

function checkClaim(claim: Claim): void {
  if (!storable(claim.owner, OWNER_BYTES)) throw invalid("claim.owner");
  if (typeof claim.elapsed !== "function") throw invalid("claim.elapsed");
  if (claim.limit && !(claim.limit.max >= 1)) throw invalid("claim.limit.max");
}

function checkSeconds(name: string, seconds: number): void {
  if (!(seconds > 0 && seconds < Infinity)) throw invalid(name);
}

function storable(text: string, bytes: number): boolean {
  return text !== "" && Buffer.byteLength(text) <= bytes && !UNSTORABLE.test(text);
}

function invalid(name: string): StoreError {
  return new StoreError(
    "invalid",
    `"${name}" is not something a session store can keep; see the contract in hipflask/stores/store.`,
  );
}
