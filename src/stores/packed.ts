import type { SessionRecord } from "./store.ts";

/**
 * A record as one JSON array: small, quick to read, and easy to patch by a script inside Redis, which is why nothing
 * is nested and "none" is `""` or 0. Fields follow the head as key, text, key, text.
 */
export const PACKED_FORMAT = 1;
export const PACKED_HEAD = 12;

export function pack(record: SessionRecord): string {
  const packed: Array<string | number> = [
    PACKED_FORMAT,
    record.verifierHash,
    record.previousHash ?? "",
    record.previousUntil,
    record.createdAt,
    record.rotatedAt,
    record.authenticatedAt ?? 0,
    record.lastSeenAt,
    record.expiresAt,
    record.absoluteAt ?? 0,
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
  format: 1,
  verifierHash: string,
  previousHash: string,
  previousUntil: number,
  createdAt: number,
  rotatedAt: number,
  authenticatedAt: number,
  lastSeenAt: number,
  expiresAt: number,
  absoluteAt: number,
  owner: string,
  device: string,
  ...fields: string[],
];

const HEAD = "nssnnnnnnnss";

function isPacked(value: unknown): value is Packed {
  return (
    Array.isArray(value) &&
    value[0] === PACKED_FORMAT &&
    value.length >= PACKED_HEAD &&
    value.length % 2 === 0 &&
    value.every((item, at) => typeof item === (HEAD[at] === "n" ? "number" : "string"))
  );
}

function asIs(key: string): string {
  return key;
}

function read(selector: string, packed: Packed, toKey: (stored: string) => string): SessionRecord {
  const fields = new Map<string, string>();
  for (let at = PACKED_HEAD; at < packed.length; at += 2) {
    fields.set(toKey(packed[at] as string), packed[at + 1] as string);
  }
  return {
    selector,
    verifierHash: packed[1],
    previousHash: packed[2] || null,
    previousUntil: packed[3],
    createdAt: packed[4],
    rotatedAt: packed[5],
    authenticatedAt: packed[6] || null,
    lastSeenAt: packed[7],
    expiresAt: packed[8],
    absoluteAt: packed[9] || null,
    owner: packed[10] || null,
    device: packed[11] || null,
    fields,
  };
}
