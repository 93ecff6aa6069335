import type { SessionRecord } from "../verbs.ts";

/** A row as a driver gives it: big integers may come as text. */
export type Row = Readonly<Record<string, unknown>>;

/** The record of a row; `undefined` if its fields cannot be read. */
export function recordOfRow(row: Row, toKey: (stored: string) => string): SessionRecord | undefined {
  const fields = fieldsOf(row.fields, toKey);
  return (
    fields && {
      selector: String(row.selector),
      verifierHash: String(row.verifier_hash),
      previousHash: textOf(row.previous_hash),
      previousUntil: Number(row.previous_until),
      fields,
      owner: textOf(row.owner),
      device: textOf(row.device),
      createdAt: Number(row.created_at),
      rotatedAt: Number(row.rotated_at),
      authenticatedAt: numberOf(row.authenticated_at),
      lastSeenAt: Number(row.last_seen_at),
      expiresAt: Number(row.expires_at),
      absoluteAt: numberOf(row.absolute_at),
    }
  );
}

function fieldsOf(text: unknown, toKey: (stored: string) => string): Map<string, string> | undefined {
  let object: unknown;
  try {
    object = JSON.parse(String(text));
  } catch {
    return undefined;
  }
  if (typeof object !== "object" || object === null || Array.isArray(object)) return undefined;
  const entries = Object.entries(object as Record<string, unknown>);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) return undefined;
  return new Map(entries.map(([key, value]) => [toKey(key), value]));
}

/** Columns of bytes come as `Buffer`. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString("utf8") : String(value);
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
