import { BadPayload, StoreError } from "../../errors.ts";
import { describeLargest, EMPTY_FIELDS, largestFields, type Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { ANCESTORS, type CommitFormat, type Draft, type Known, type Step } from "./commit.ts";
import type { Token, Verifiers } from "./token.ts";

/**
 * The content of a session's record, and how changes apply to it. All functions are pure, so the commit loop can apply a
 * change again after a conflict.
 */

/** A session in a store. Times are epoch milliseconds by the store's clock. */
export interface SessionRecord extends SessionInfo, Verifiers {
  /** When the verifier was last replaced; `createdAt` if never. */
  readonly rotatedAt: number;
  readonly absoluteAt: number | null;
  readonly owner: string | null;
  readonly fields: Fields;
  /** The fields as JSON text, exactly as stored; `undefined` if they have changed since. */
  readonly section?: string | undefined;
  /** Ids of earlier commits; see `commit.ts`. */
  readonly ancestors: string;
}

/** A session's record as last read or written. */
export type KnownSession = Known<SessionRecord>;

/** What an owner may see of a session. */
export interface SessionInfo {
  readonly selector: string;
  /** The description of the device, as JSON text. */
  readonly device: string | null;
  readonly createdAt: number;
  /** When the last login began; `null` if there was none. */
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  /** When the session expires: the earlier of the idle and the absolute timeout. */
  readonly expiresAt: number;
}

/**
 * The changes of fields in one commit, applied atomically in this order: `keep`, `unset`, `set`, `transactions`. Other keys
 * keep the changes of parallel requests.
 *
 * Counters, lists and flashed messages are transactions: functions of the stored value.
 */
export interface FieldChanges {
  /** Remove every field except these; `[]` removes all. */
  readonly keep?: readonly string[] | undefined;
  readonly unset?: readonly string[] | undefined;
  readonly set?: Fields | undefined;
  /** Functions from the stored text of a field to its new text; `null` means absent. Called again after a conflict. */
  readonly transactions?: ReadonlyMap<string, (text: string | null) => string | null> | undefined;
}

/** When a session expires, in seconds from now. */
export interface Expiry {
  /** Expires after this long without activity. */
  readonly idle: number;
  /** Sets the absolute timeout, which activity does not extend; `null`: none. If left out, it does not change. */
  readonly absolute?: number | null | undefined;
}

/** The changes of a record in one commit. */
export interface Change extends FieldChanges {
  readonly expiry: Expiry;
  /** A new verifier. `grace`: seconds for which the old one stays valid. */
  readonly next?: { readonly verifierHash: string; readonly grace: number } | undefined;
  /** The owner assigned in this request, and when the login began. */
  readonly login?: { readonly owner: string; readonly authenticatedAt: number } | undefined;
  readonly device?: string | undefined;
}

/** Limits on the size of a record, checked before it is written. */
export interface RecordLimits {
  /** Number of fields. Default 1000; reading accepts at most 10 000. */
  readonly fields: number;
  /** Keys and texts together, in bytes of UTF-8. Default 262144. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: RecordLimits = { fields: 1000, bytes: 256 * 1024 };

/** Makes a new record. */
export function newRecord(token: Token, fields: Fields, change: Change, now: number): SessionRecord {
  const empty: SessionRecord = {
    selector: token.selector,
    verifierHash: token.verifierHash,
    previousHash: null,
    previousUntil: 0,
    fields,
    owner: null,
    device: null,
    createdAt: now,
    rotatedAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    expiresAt: now,
    absoluteAt: null,
    ancestors: "",
  };
  return applyChange(empty, change, now);
}

/** The record after a change. The caller has checked the request's verifier: see `checkVerifier` in `token.ts`. */
export function applyChange(record: SessionRecord, change: Change, now: number): SessionRecord {
  const { expiry, login, next } = change;
  const fields = applyFieldChanges(record.fields, change);
  const { idle, absolute } = expiry;
  const absoluteAt =
    absolute === undefined ? record.absoluteAt : absolute === null ? null : now + milliseconds(absolute);
  return {
    selector: record.selector,
    verifierHash: next?.verifierHash ?? record.verifierHash,
    previousHash: next ? record.verifierHash : record.previousHash,
    // With a grace of 0 it is invalid at once, whatever the clock says.
    previousUntil: next ? (next.grace > 0 ? now + milliseconds(next.grace) : 0) : record.previousUntil,
    fields,
    section: fields === record.fields ? record.section : undefined,
    owner: login?.owner ?? record.owner,
    device: change.device ?? record.device,
    createdAt: record.createdAt,
    rotatedAt: next ? now : record.rotatedAt,
    authenticatedAt: login?.authenticatedAt ?? record.authenticatedAt,
    lastSeenAt: now,
    expiresAt: Math.min(now + milliseconds(idle), absoluteAt ?? Infinity),
    absoluteAt,
    ancestors: record.ancestors,
  };
}

/** The change of a session as a step of the commit loop. */
export function changeStep<Result>(
  result: Result,
  { entry, now }: KnownSession,
  change: Change,
): Step<SessionRecord, Result> {
  return { action: "write", result, ...draftOf(applyChange(entry, change, now), now) };
}

/** A draft whose lifetime in the store is the one in the record. */
export function draftOf(record: SessionRecord, now: number): Draft<SessionRecord> {
  return {
    entry: record,
    lifetime: Math.max(0.001, (record.expiresAt - now) / 1000),
    anonymous: record.owner === null,
  };
}

export function changesNothing({ keep, unset, set, transactions }: FieldChanges): boolean {
  return !keep && !unset?.length && !set?.size && !transactions?.size;
}

/** The fields after a change; the same map if nothing changes. */
export function applyFieldChanges(fields: Fields, changes: FieldChanges): Fields {
  if (changesNothing(changes)) return fields;
  const { keep, unset, set, transactions } = changes;
  const result = new Map(keep ? [...fields].filter(([key]) => keep.includes(key)) : fields);
  for (const key of unset ?? []) result.delete(key);
  for (const [key, text] of set ?? []) result.set(key, text);
  for (const [key, next] of transactions ?? []) {
    const text = next(result.get(key) ?? null);
    if (text === null) result.delete(key);
    else result.set(key, text);
  }
  return result;
}

/** How the commit loop encodes and decodes sessions. */
export function sessionFormat(
  json: TaggedJSONSerializer,
  limits: RecordLimits,
): CommitFormat<string, SessionRecord> {
  return {
    decode: (selector, text) => decodeRecord(selector, text, json),
    encode: (record) => encodeRecord(record, limits, json),
    isLive: ({ entry, now }) => now < entry.expiresAt,
    ancestors: ANCESTORS,
  };
}

const FORMAT = "2";

/** Everything except the fields, at the beginning of the record, so that a list of sessions need not read the fields. */
type Head = readonly [
  format: string,
  verifierHash: string,
  previousHash: string | null,
  previousUntil: number,
  createdAt: number,
  rotatedAt: number,
  authenticatedAt: number | null,
  lastSeenAt: number,
  expiresAt: number,
  absoluteAt: number | null,
  owner: string | null,
  device: string | null,
  ancestors: string,
];

/** Upper limit on the length of the head that {@link encodeRecord} writes, in characters. */
export const HEAD_LENGTH = 6144;

/**
 * The text of a record: the head as one line of JSON, then the fields as a JSON object with their texts unchanged.
 *
 * @throws StoreError "too-large" or "invalid"
 * @throws UnserializableError for more keys than can be read again
 */
export function encodeRecord(
  record: SessionRecord,
  limits: RecordLimits,
  json: TaggedJSONSerializer,
): string {
  const head: Head = [
    FORMAT,
    record.verifierHash,
    record.previousHash,
    record.previousUntil,
    record.createdAt,
    record.rotatedAt,
    record.authenticatedAt,
    record.lastSeenAt,
    record.expiresAt,
    record.absoluteAt,
    record.owner,
    record.device,
    record.ancestors,
  ];
  return `${JSON.stringify(head)}\n${record.section ?? sectionOf(record.fields, limits, json)}`;
}

/** Parses a record; `undefined` if it cannot be decoded. */
export function decodeRecord(
  selector: string,
  text: string,
  json: TaggedJSONSerializer,
): SessionRecord | undefined {
  const end = text.indexOf("\n");
  const head = headIn(text, end);
  if (head === undefined) return undefined;
  const section = text.slice(end + 1);
  try {
    return recordOf(selector, head, json.loadsEntries(section), section);
  } catch (error) {
    if (error instanceof BadPayload) return undefined;
    throw error;
  }
}

/** Parses only the head; the text may be truncated anywhere after it. */
export function decodeHead(selector: string, text: string): Omit<SessionRecord, "fields"> | undefined {
  const head = headIn(text, text.indexOf("\n"));
  return head && recordOf(selector, head, EMPTY_FIELDS, undefined);
}

function headIn(text: string, end: number): Head | undefined {
  if (end === -1) return undefined;
  try {
    const head: unknown = JSON.parse(text.slice(0, end));
    return isHead(head) ? head : undefined;
  } catch {
    return undefined;
  }
}

function recordOf(selector: string, head: Head, fields: Fields, section: string | undefined): SessionRecord {
  return {
    selector,
    verifierHash: head[1],
    previousHash: head[2],
    previousUntil: head[3],
    createdAt: head[4],
    rotatedAt: head[5],
    authenticatedAt: head[6],
    lastSeenAt: head[7],
    expiresAt: head[8],
    absoluteAt: head[9],
    owner: head[10],
    device: head[11],
    ancestors: head[12],
    fields,
    section,
  };
}

/** The part of a record that `list` returns. */
export function sessionInfo(record: SessionInfo): SessionInfo {
  const { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt } = record;
  return { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt };
}

export function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function sectionOf(fields: Fields, limits: RecordLimits, json: TaggedJSONSerializer): string {
  checkSize(fields, limits);
  const section = json.dumpsEntries(fields);
  if (!isStorable(section)) {
    throw new StoreError(
      "invalid",
      "The session holds a string with a NUL character or a lone surrogate, which stores cannot keep.",
    );
  }
  return section;
}

function isHead(value: unknown): value is Head {
  return (
    Array.isArray(value) &&
    value[0] === FORMAT &&
    KINDS.every(
      (kind, at) => typeof value[at + 1] === kind || (OPTIONAL.has(at + 1) && value[at + 1] === null),
    )
  );
}

const KINDS = "string string number number number number number number number string string string".split(
  " ",
);
const OPTIONAL: ReadonlySet<number> = new Set([2, 6, 9, 10, 11]);

const OWNER_BYTES = 255;
const DEVICE_BYTES = 1024;

/** UTF-8 columns cannot hold NUL characters and lone surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** @throws StoreError "too-large" with the largest keys and their sizes, without values */
export function checkSize(fields: Fields, limits: RecordLimits): void {
  // A UTF-16 code unit is at most 3 bytes of UTF-8, and adding up lengths is cheap.
  if (fields.size <= limits.fields && charactersOf(fields) * 3 <= limits.bytes) return;
  let bytes = 0;
  for (const [key, text] of fields) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  if (fields.size <= limits.fields && bytes <= limits.bytes) return;
  throw new StoreError(
    "too-large",
    `The session record would have ${fields.size} fields and ${bytes} bytes, and the limits are ${limits.fields} fields and ${limits.bytes} bytes. Largest keys: ${describeLargest(largestFields(fields))}. Keep less in the session or raise "recordLimits".`,
  );
}

function charactersOf(fields: Fields): number {
  let characters = 0;
  for (const [key, text] of fields) characters += key.length + text.length;
  return characters;
}

/** Describes a valid owner, for error messages. */
export const STORABLE_OWNER = textOf(OWNER_BYTES);

export function isStorableOwner(owner: string): boolean {
  return fits(owner, OWNER_BYTES);
}

/** @throws StoreError "invalid" for an owner or a device that cannot be stored */
export function checkLogin(owner: string | null, device: string | undefined): void {
  if (owner !== null && !isStorableOwner(owner)) throw invalid("owner", STORABLE_OWNER);
  if (device !== undefined && !fits(device, DEVICE_BYTES)) throw invalid("device", textOf(DEVICE_BYTES));
}

function fits(text: string, bytes: number): boolean {
  return text !== "" && Buffer.byteLength(text) <= bytes && isStorable(text);
}

function textOf(bytes: number): string {
  return `a string of 1 to ${bytes} bytes of UTF-8, without NUL characters and lone surrogates`;
}

function invalid(name: string, what: string): StoreError {
  return new StoreError("invalid", `The "${name}" of a session must be ${what}.`);
}
