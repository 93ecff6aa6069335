import { BadPayload, StoreError } from "../../errors.ts";
import { describeLargest, EMPTY_FIELDS, largestFields, type Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { Token, Verifiers } from "./token.ts";

/**
 * What a session's record means: the one place that knows what a change does to it. Everything here is pure, so the commit
 * loop can apply a change again to whatever is stored by then.
 */

/** A session as it is kept in a store. Instants are epoch milliseconds by the store's clock. */
export interface SessionRecord extends SessionInfo, Verifiers {
  /** When the verifier was last replaced; `createdAt` if never. */
  readonly rotatedAt: number;
  readonly absoluteAt: number | null;
  readonly owner: string | null;
  readonly fields: Fields;
  /** The same fields as they stand in the stored text, as long as nothing has changed in them. */
  readonly section?: string | undefined;
  /** The commits before the last one; see `commit.ts`. */
  readonly ancestors: string;
}

/** What may be shown of a session to its owner. */
export interface SessionInfo {
  readonly selector: string;
  /** Facts about the device, as a small JSON text. */
  readonly device: string | null;
  readonly createdAt: number;
  /** When the authentication behind the last login began; `null` if there was none. */
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  /** The earlier of the idle and the absolute limit: dead from this moment on. */
  readonly expiresAt: number;
}

/**
 * What one commit does to the fields, all or nothing, in this order: `keep` drops, `unset` removes, `set` writes,
 * `transactions` compute. Keys that are not named keep whatever parallel requests did to them.
 *
 * Counters, lists and flashed messages are all transactions: functions of what is stored at that moment.
 */
export interface FieldChanges {
  /** Drop every field but these; `[]` drops all. */
  readonly keep?: readonly string[] | undefined;
  readonly unset?: readonly string[] | undefined;
  readonly set?: Fields | undefined;
  /** The new text of a field by its text, `null` meaning absent. Called again after a conflict. */
  readonly transactions?: ReadonlyMap<string, (text: string | null) => string | null> | undefined;
}

/** How long a session lives, in seconds from now. */
export interface Expiry {
  /** Ends after this long without activity. */
  readonly idle: number;
  /** Starts the limit that activity does not extend anew; `null`: no such limit. Left out, it stays as it was. */
  readonly absolute?: number | null | undefined;
}

/** What one commit does to a record. */
export interface Change extends FieldChanges {
  readonly expiry: Expiry;
  /** A new verifier. With a grace of 0 seconds, the one before is dead at once. */
  readonly next?: { readonly verifierHash: string; readonly grace: number } | undefined;
  /** The owner named in this request, and when their authentication began. */
  readonly login?: { readonly owner: string; readonly authenticatedAt: number } | undefined;
  readonly device?: string | undefined;
}

/** How large one record may grow. Both are checked before a write is applied. */
export interface RecordLimits {
  /** Number of fields. Default 1000; no more than 10 000 are read. */
  readonly fields: number;
  /** Keys and texts together, in bytes of UTF-8. Default 262144. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: RecordLimits = { fields: 1000, bytes: 256 * 1024 };

/** A record that does not exist yet. */
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
  return changed(empty, change, now);
}

/** The record after a change. Whether the request may make it was checked before: see `checkVerifier` in `token.ts`. */
export function changed(record: SessionRecord, change: Change, now: number): SessionRecord {
  const { expiry, login, next } = change;
  const fields = changedFields(record.fields, change);
  const { idle, absolute } = expiry;
  const absoluteAt =
    absolute === undefined ? record.absoluteAt : absolute === null ? null : now + milliseconds(absolute);
  return {
    selector: record.selector,
    verifierHash: next?.verifierHash ?? record.verifierHash,
    previousHash: next ? record.verifierHash : record.previousHash,
    // Without a grace it is dead whatever a clock says.
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

/** The fields after a change; the very same map if it changes nothing. */
export function changedFields(fields: Fields, { keep, unset, set, transactions }: FieldChanges): Fields {
  if (!keep && !unset?.length && !set?.size && !transactions?.size) return fields;
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

const FORMAT = "2";

/** Everything but the fields, which stand behind it: a list of sessions reads no data. */
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

/** Longest head that {@link encodeRecord} writes, in characters. */
export const HEAD_LENGTH = 6144;

/**
 * The text of a record: one line of JSON about it, then the fields as a JSON object whose values are the very texts that were
 * given. Nothing is parsed and written again.
 *
 * @throws StoreError "too-large" or "invalid"
 */
export function encodeRecord(record: SessionRecord, limits: RecordLimits): string {
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
  return `${JSON.stringify(head)}\n${record.section ?? sectionOf(record.fields, limits)}`;
}

/** The record in a text; `undefined` if it cannot be read, so that it is kept as it is. */
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

/** What stands before the fields; the text may end anywhere behind it. */
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

/** What `list` shows of a record. */
export function sessionInfo(record: SessionInfo): SessionInfo {
  const { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt } = record;
  return { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt };
}

export function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function sectionOf(fields: Fields, limits: RecordLimits): string {
  checkSize(fields, limits);
  let section = "";
  for (const [key, text] of fields) section += `${section === "" ? "" : ","}${JSON.stringify(key)}:${text}`;
  if (!isStorable(section)) {
    throw new StoreError(
      "invalid",
      "The session holds a text with NUL or half a surrogate pair, which no store can keep.",
    );
  }
  return `{${section}}`;
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

/** What can be the owner of a session, for the messages of errors. */
export const STORABLE_OWNER = textOf(OWNER_BYTES);

export function isStorableOwner(owner: string): boolean {
  return fits(owner, OWNER_BYTES);
}

/** @throws StoreError "invalid" for an owner or a device that no store could keep */
export function checkLogin(owner: string | null, device: string | undefined): void {
  if (owner !== null && !isStorableOwner(owner)) throw invalid("owner", STORABLE_OWNER);
  if (device !== undefined && !fits(device, DEVICE_BYTES)) throw invalid("device", textOf(DEVICE_BYTES));
}

function fits(text: string, bytes: number): boolean {
  return text !== "" && Buffer.byteLength(text) <= bytes && isStorable(text);
}

function textOf(bytes: number): string {
  return `a text of 1 to ${bytes} bytes, without NUL and half surrogate pairs`;
}

function invalid(name: string, what: string): StoreError {
  return new StoreError("invalid", `The "${name}" of a session must be ${what}.`);
}
