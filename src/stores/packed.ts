import type { SessionRecord } from "./verbs.ts";

/**
 * A record as one JSON array of strings: small, quick to read, and easy to patch by a script inside Redis, which is why
 * nothing is nested and "none" is `""` or `"0"`. Times are digits in quotes since Lua takes longer to write eight numbers
 * than all the rest of a record. Fields follow the head as key, text, key, text.
 */
const FORMAT = "1";
const HEAD = 12;

export function pack(record: SessionRecord): string {
  const packed = [
    FORMAT,
    record.verifierHash,
    record.previousHash ?? "",
    String(record.previousUntil),
    String(record.createdAt),
    String(record.rotatedAt),
    String(record.authenticatedAt ?? 0),
    String(record.lastSeenAt),
    String(record.expiresAt),
    String(record.absoluteAt ?? 0),
    record.owner ?? "",
    record.device ?? "",
  ];
  for (const [key, text] of record.fields) packed.push(key, text);
  return JSON.stringify(packed);
}

/** The record in `text`; `undefined` if it is none. `toKey` undoes what was done to field keys. */
export function unpack(
  selector: string,
  text: string,
  toKey: (stored: string) => string = asIs,
): SessionRecord | undefined {
  let packed: unknown;
  try {
    packed = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isPacked(packed) ? read(selector, packed, toKey) : undefined;
}

type Packed = [
  format: string,
  verifierHash: string,
  previousHash: string,
  previousUntil: string,
  createdAt: string,
  rotatedAt: string,
  authenticatedAt: string,
  lastSeenAt: string,
  expiresAt: string,
  absoluteAt: string,
  owner: string,
  device: string,
  ...fields: string[],
];

function isPacked(value: unknown): value is Packed {
  return (
    Array.isArray(value) &&
    value[0] === FORMAT &&
    value.length >= HEAD &&
    value.length % 2 === 0 &&
    value.every((item, at) => typeof item === "string" && (at < 3 || at > 9 || isTime(item)))
  );
}

function isTime(text: string): boolean {
  return text !== "" && Number.isFinite(Number(text));
}

function asIs(key: string): string {
  return key;
}

function read(selector: string, packed: Packed, toKey: (stored: string) => string): SessionRecord {
  const fields = new Map<string, string>();
  for (let at = HEAD; at < packed.length; at += 2) {
    fields.set(toKey(packed[at] as string), packed[at + 1] as string);
  }
  return {
    selector,
    verifierHash: packed[1],
    previousHash: packed[2] || null,
    previousUntil: Number(packed[3]),
    createdAt: Number(packed[4]),
    rotatedAt: Number(packed[5]),
    authenticatedAt: Number(packed[6]) || null,
    lastSeenAt: Number(packed[7]),
    expiresAt: Number(packed[8]),
    absoluteAt: Number(packed[9]) || null,
    owner: packed[10] || null,
    device: packed[11] || null,
    fields,
  };
}
