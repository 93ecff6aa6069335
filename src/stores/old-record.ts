import type { Fields } from "../json/fields.ts";
import type { Change, Claim, Expiry, NewSession, Rotation, SessionInfo, SessionRecord } from "./verbs.ts";

/**
 * What the verbs do to a record, as pure functions: the meaning that every engine has to reproduce. Stores that run in
 * this process use them as they are.
 */

/** The record `session` becomes. */
export function newRecord(session: NewSession, now: number): SessionRecord {
  return {
    selector: session.selector,
    verifierHash: session.verifierHash,
    previousHash: null,
    previousUntil: 0,
    fields: session.fields,
    owner: session.claim?.owner ?? null,
    device: session.device ?? null,
    createdAt: now,
    rotatedAt: now,
    authenticatedAt: session.claim ? began(session.claim, now) : null,
    lastSeenAt: now,
    ...deadlines(session.expiry, now, null),
  };
}

/** Whether the holder of this hash may change the record: it is the current one, or the previous within its grace. */
export function admits(record: SessionRecord, presented: string, now: number): boolean {
  return (
    presented === record.verifierHash || (presented === record.previousHash && now < record.previousUntil)
  );
}

/** Whether `change.expect` holds. */
export function expectationsHold(fields: Fields, expect: Change["expect"]): boolean {
  if (expect) for (const [key, text] of expect) if ((fields.get(key) ?? null) !== text) return false;
  return true;
}

/** The record after a change whose expectations hold. */
export function changed(record: SessionRecord, change: Change, now: number): SessionRecord {
  const { expiry, claim } = change;
  return {
    ...record,
    fields: changedFields(record.fields, change),
    device: change.device ?? record.device,
    owner: claim === undefined ? record.owner : (claim?.owner ?? null),
    authenticatedAt: claim ? began(claim, now) : record.authenticatedAt,
    ...(expiry && { lastSeenAt: now, ...deadlines(expiry, now, record.absoluteAt) }),
  };
}

/** The record under its new verifier; `undefined` if the verifier went another way. `presented` must be admitted. */
export function rotated(
  record: SessionRecord,
  presented: string,
  { next, grace }: Rotation,
  now: number,
): SessionRecord | undefined {
  if (presented === record.verifierHash) {
    return {
      ...record,
      verifierHash: next,
      previousHash: presented,
      previousUntil: now + milliseconds(grace),
      rotatedAt: now,
    };
  }
  return next === record.verifierHash ? record : undefined;
}

/** Whether a rotation without grace was done already, by a caller that did not hear the answer. */
export function alreadyRotated(record: SessionRecord, presented: string, { next, grace }: Rotation): boolean {
  return grace === 0 && record.verifierHash === next && record.previousHash === presented;
}

/** The deadlines that follow from `expiry`. */
export function deadlines(expiry: Expiry, now: number, absoluteBefore: number | null) {
  const { idle, absolute } = expiry;
  const absoluteAt =
    absolute === undefined ? absoluteBefore : absolute === null ? null : now + milliseconds(absolute);
  return { expiresAt: Math.min(now + milliseconds(idle), absoluteAt ?? Infinity), absoluteAt };
}

/** When the authentication behind a claim began, by the store's clock. */
export function began(claim: Claim, now: number): number {
  return now - milliseconds(claim.elapsed());
}

/**
 * Whether a claim lost against a `destroyAll` that happened `age` milliseconds ago. Both sides are durations, so no two
 * clocks are compared. Clocks count whole milliseconds and a tie is a loss – but an authentication that takes no
 * time at all cannot have begun before anything.
 */
export function isRevoked(claim: Claim, age: number): boolean {
  const elapsed = claim.elapsed() * 1000;
  return elapsed > 0 && age < elapsed + 1;
}

/** What `list` shows of a record. */
export function sessionInfo(record: SessionRecord): SessionInfo {
  const { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt } = record;
  return { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt };
}

/** The order of `list`. */
export function latestFirst(a: SessionInfo, b: SessionInfo): number {
  return (b.authenticatedAt ?? 0) - (a.authenticatedAt ?? 0);
}

export function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function changedFields(fields: Fields, { keep, unset, set }: Change): Fields {
  if (!keep && !unset?.length && !set?.size) return fields;
  const result = new Map(keep ? [...fields].filter(([key]) => keep.includes(key)) : fields);
  for (const key of unset ?? []) result.delete(key);
  for (const [key, text] of set ?? []) result.set(key, text);
  return result;
}
