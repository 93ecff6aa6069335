import type { Fields } from "../../json/fields.ts";
import { escapeKey } from "../field-key.ts";
import { milliseconds } from "../record.ts";
import {
  admitted,
  COLUMNS,
  expiryAssignments,
  nowOf,
  type Dialect,
  type Fragment,
  type Values,
} from "./dialect.ts";
import type { Change, Expiry, NewSession, Rotation } from "../verbs.ts";

/** The INSERT of a session; `:elapsed` is named when it is claimed, and has its value from whoever runs it. */
export function insertion(dialect: Dialect, session: NewSession): Fragment {
  const { selector, verifierHash, fields, expiry, device, claim } = session;
  const now = nowOf(dialect);
  const absoluteAt = typeof expiry.absolute === "number" ? `${now} + ${dialect.number("absolute")}` : "NULL";
  const idleAt = `${now} + ${dialect.number("idle")}`;
  const authenticatedAt = claim ? `${now} - ${dialect.number("elapsed")}` : "NULL";
  return {
    sql: `INSERT INTO hipflask_sessions (${COLUMNS}) VALUES (
      :selector, :verifierHash, NULL, 0, :fields, :owner, :device, ${now}, ${now}, ${authenticatedAt}, ${now},
      LEAST(${idleAt}, COALESCE(${absoluteAt}, ${idleAt})), ${absoluteAt}) ${dialect.unlessExists}`,
    values: {
      selector,
      verifierHash,
      fields: JSON.stringify(escaped(fields)),
      owner: claim?.owner ?? null,
      device: device ?? null,
      ...durations(expiry),
    },
  };
}

/** The UPDATE of a change and a rotation, with all their conditions; `:elapsed` as in {@link insertion}. */
export function update(
  dialect: Dialect,
  change: Change,
  rotation: Rotation | undefined,
  maxBytes: number,
): Fragment {
  const now = nowOf(dialect);
  const assignments = expiryAssignments(dialect, change.expiry);
  const conditions = [admitted(dialect)];
  const values: Values = { ...durations(change.expiry), bytes: maxBytes };

  if (change.keep || change.unset?.length || change.set?.size) {
    const fields = dialect.changedFields({
      keep: change.keep?.map(escapeKey),
      unset: (change.unset ?? []).map(escapeKey),
      set: escaped(change.set),
    });
    Object.assign(values, fields.values);
    assignments.push(`fields = ${fields.sql}`);
    conditions.push(dialect.fits(fields.sql));
  }
  for (const [index, [key, text]] of [...(change.expect ?? [])].entries()) {
    conditions.push(dialect.fieldIs(`key${index}`, `text${index}`));
    Object.assign(values, { [`key${index}`]: dialect.fieldPath(escapeKey(key)), [`text${index}`]: text });
  }
  if (change.device !== undefined) {
    assignments.push("device = :device");
    values.device = change.device;
  }
  if (change.claim !== undefined) {
    assignments.push("owner = :owner");
    values.owner = change.claim?.owner ?? null;
    if (change.claim) assignments.push(`authenticated_at = ${now} - ${dialect.number("elapsed")}`);
  }
  if (rotation) {
    assignments.push(
      ifCurrent(`${now} + ${dialect.number("grace")}`, "previous_until"),
      ifCurrent(now, "rotated_at"),
      ifCurrent(":presented", "previous_hash"),
      ifCurrent(":next", "verifier_hash"),
    );
    conditions.push("(verifier_hash = :presented OR verifier_hash = :next)");
    Object.assign(values, { next: rotation.next, grace: milliseconds(rotation.grace) });
  }
  // A change of nothing still has to say whether it could be made.
  if (assignments.length === 0) assignments.push("previous_until = previous_until");
  return {
    sql: `UPDATE hipflask_sessions SET ${assignments.join(", ")} WHERE ${conditions.join(" AND ")}`,
    values,
  };
}

/** The UPDATE that notes activity, unless that was done less than `:every` ms ago. */
export function touching(dialect: Dialect, idle: number, every: number): Fragment {
  return {
    sql: `UPDATE hipflask_sessions SET ${expiryAssignments(dialect, { idle }).join(", ")}
       WHERE ${admitted(dialect)} AND last_seen_at + ${dialect.number("every")} <= ${nowOf(dialect)}`,
    values: { ...durations({ idle }), every: milliseconds(every) },
  };
}

/** What the engines compare with the limit: `fields` as JSON text, with the blanks that PostgreSQL writes. */
export function jsonSize(fields: Fields): number {
  return Buffer.byteLength(JSON.stringify(escaped(fields))) + 2 * fields.size;
}

function escaped(fields: Iterable<readonly [key: string, text: string]> = []): Record<string, string> {
  const object: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, text] of fields) object[escapeKey(key)] = text;
  return object;
}

function ifCurrent(value: string, column: string): string {
  return `${column} = CASE WHEN verifier_hash = :presented THEN ${value} ELSE ${column} END`;
}

function durations(expiry: Expiry | undefined): Values {
  if (!expiry) return {};
  return {
    idle: milliseconds(expiry.idle),
    ...(typeof expiry.absolute === "number" && { absolute: milliseconds(expiry.absolute) }),
  };
}
