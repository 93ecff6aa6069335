import type { Outcome } from "../decide.ts";
import { OwnerLimitError, SessionClosedError, SessionLostError, StoreError } from "../../errors.ts";
import { events } from "../events.ts";
import type { Fields } from "../../json/fields.ts";
import { assertFits } from "../../session/schema.ts";
import type { Answer, Change, Expiry, NewSession, Ok, SessionRecord } from "../../stores/verbs.ts";
import { newToken, newVerifier, successorOf, type Token } from "../../stores/token.ts";
import { retried } from "../../stores/transact.ts";
import { changeOf, giveBack } from "./change.ts";
import type { StoreConfig } from "./config.ts";
import type { Committed, CookieFate, Intent } from "./intent.ts";
import type { Origin } from "./origin.ts";

/** A selector of 96 random bits is never taken, unless the random source is broken. */
const MAX_COLLISIONS = 3;
const NO_COOKIE =
  "A new session or a new identity needs a new cookie, and a socket cannot send one: log in over HTTP, and let the socket connect again.";

/**
 * Makes what a request did to its session durable, with one operation of the store (two where a session ends and another
 * begins).
 *
 * @param isFailure the request failed: endings and new identities take effect, data is left as it was
 * @throws StoreError, SessionConflictError, OwnerLimitError; SessionLostError where `lostWrites` is `"throw"`;
 *   SessionClosedError for what needs a new cookie in a handshake, which cannot carry one
 */
export async function commit(
  intent: Intent,
  outcome: Outcome,
  isFailure: boolean,
  config: StoreConfig,
): Promise<Committed> {
  const { origin, fate, isCleared, hasDeadCookie } = intent;
  // Whoever takes out the last key they know of does not know what others put in meanwhile.
  const isOver = fate === "destroyed" || (outcome === "delete" && isCleared && !isFailure);
  if (origin !== undefined && isOver) {
    if (!(await destroy(origin, config))) {
      // Somebody else was faster, and the browser may hold a newer cookie by now.
      const isWritten = outcome === "write" && !isFailure;
      return isWritten ? lost(origin.record, "gone", origin, config) : { cookie: "keep", origin };
    }
    intent.ended();
  }
  if (outcome === "write" && !isFailure) assertFits(config.misfit, intent.fields);
  if (origin !== undefined && !isOver) return change(intent, origin, isFailure, config);
  if (outcome === "write" && !isFailure) return create(intent, config);
  const isDead = origin !== undefined || outcome === "delete" || hasDeadCookie;
  return { cookie: isDead ? "delete" : "keep", origin: undefined };
}

async function create(intent: Intent, config: StoreConfig): Promise<Committed> {
  const { fields, owner } = intent;
  needCookie(intent);
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const token = attempt === 0 ? intent.newToken() : newToken();
    const { selector, verifierHash } = token;
    const session = { selector, verifierHash, fields, ...loginOf(intent, config) };
    const answer = await config.store.create({ ...session, expiry: wholeExpiry(config) });
    if (answer.status === "ok") {
      events.created({ selector, owner });
      const now = config.now();
      const authenticatedAt = owner === null ? null : now;
      const record = { selector, fields, owner, authenticatedAt, rotatedAt: now, lastSeenAt: now };
      return told(answer, owner, {
        cookie: token,
        origin: { record, token, isMissed: true, now, flashes: undefined },
      });
    }
    if (answer.status === "stale") return lost({ selector, owner }, "revoked", undefined, config);
    if (answer.reason === "limit") throw new OwnerLimitError();
  }
  throw new StoreError(
    "unavailable",
    "The store finds every new selector taken; its random source must be broken.",
  );
}

async function change(
  intent: Intent,
  origin: Origin,
  isFailure: boolean,
  config: StoreConfig,
): Promise<Committed> {
  const { store, json, idleTimeout, touchEvery } = config;
  const { record, token } = origin;
  const changeFor = isFailure
    ? giveBack(origin.flashes, json)
    : changeOf(intent.changes, intent.flashes, json);
  const next = nextToken(intent, origin, config);
  const isTouchDue = intent.request.isHandshake || secondsSince(record.lastSeenAt, origin) >= touchEvery;
  if (next === undefined && changeFor === undefined && !isTouchDue) {
    return { cookie: cookieOf(intent, origin, false), origin };
  }

  const isLogin = intent.isLogin && !isFailure;
  const rest: Change = isLogin
    ? { ...loginOf(intent, config), expiry: wholeExpiry(config) }
    : { expiry: { idle: idleTimeout } };
  const attempt = (fields: Fields = record.fields): Promise<Answer> => {
    const change = { ...changeFor?.(fields), ...rest };
    const presented = token.verifierHash;
    if (next !== undefined) {
      return store.rotate(record.selector, presented, {
        next: next.token.verifierHash,
        grace: next.grace,
        change,
      });
    }
    if (changeFor !== undefined) return store.patch(record.selector, presented, change);
    return store.touch(record.selector, presented, { idle: idleTimeout, every: touchEvery });
  };
  const answer = await retried(attempt, { fields: storedFields(origin) });
  if (answer.status === "gone") return lost(record, "gone", origin, config);
  if (answer.status === "stale") return lost(record, answer.reason, origin, config);
  if (answer.status === "conflict") {
    if (answer.reason === "limit") throw new OwnerLimitError();
    return lost(record, "verifier", origin, config);
  }
  const { owner } = intent;
  const fields = isFailure ? record.fields : intent.fields;
  const seen = { ...record, fields, lastSeenAt: origin.now };
  if (next === undefined) {
    return told(answer, owner, {
      cookie: cookieOf(intent, origin, true),
      origin: { ...origin, record: seen },
    });
  }
  events.rotated({ selector: record.selector, owner });
  const login = isLogin ? { owner, authenticatedAt: origin.now } : {};
  const moved = { ...seen, ...login, rotatedAt: origin.now };
  return told(answer, owner, {
    cookie: next.token,
    origin: { ...origin, record: moved, token: next.token },
  });
}

/** @throws SessionClosedError in a handshake */
function needCookie({ request }: Intent): void {
  if (request.isHandshake) throw new SessionClosedError(NO_COOKIE);
}

/** @returns whether there was still something to end */
async function destroy({ record }: Origin, { store }: StoreConfig): Promise<boolean> {
  const { status } = await store.destroy(record.selector);
  if (status === "ok") events.destroyed({ selector: record.selector, owner: record.owner });
  return status === "ok";
}

/** The token to move on to: a fresh one when the handler asked for it, the derived one when the old one has served long enough. */
function nextToken(
  intent: Intent,
  origin: Origin,
  { rotateAfter, rotationGrace, rotationKey }: StoreConfig,
): { readonly token: Token; readonly grace: number } | undefined {
  const { record, token, isMissed } = origin;
  if (intent.fate === "regenerated") {
    needCookie(intent);
    return { token: newVerifier(record.selector), grace: 0 };
  }
  if (intent.request.isHandshake) return undefined;
  const isDue = rotateAfter > 0 && !isMissed && secondsSince(record.rotatedAt, origin) >= rotateAfter;
  return isDue && rotationKey !== null
    ? { token: successorOf(token, rotationKey), grace: rotationGrace }
    : undefined;
}

/** The browser needs the cookie again if it missed the last one, or if its expiry has moved. */
function cookieOf(
  { fields, permanent, isCookieDue }: Intent,
  { token, isMissed, record }: Origin,
  isWritten: boolean,
): CookieFate {
  const isMoved = fields.get("_permanent") !== record.fields.get("_permanent");
  return isMissed || isMoved || isCookieDue || (isWritten && permanent) ? token : "keep";
}

function loginOf(intent: Intent, config: StoreConfig): Pick<NewSession, "claim" | "device"> {
  const { owner, arrivedAt, request } = intent;
  const { ownerLimit: limit } = config;
  const device = JSON.stringify(config.device?.(request));
  if (owner === null) return { device };
  return {
    device,
    claim: { owner, elapsed: () => Math.max(0, config.now() - arrivedAt) / 1000, limit },
  };
}

function wholeExpiry({ idleTimeout, absoluteTimeout }: StoreConfig): Expiry {
  return { idle: idleTimeout, absolute: absoluteTimeout };
}

/** Messages that were taken for this request are not in the store any more. */
function storedFields({ record, flashes }: Origin): Fields {
  if (flashes === undefined) return record.fields;
  const fields = new Map(record.fields);
  fields.delete("_flashes");
  return fields;
}

function secondsSince(moment: number, { now }: Origin): number {
  return (now - moment) / 1000;
}

/** A session that ended or moved on meanwhile is left alone: nothing is revived, and no cookie contradicts a newer one. */
function lost(
  { selector, owner }: Pick<SessionRecord, "selector" | "owner">,
  reason: "gone" | "verifier" | "revoked",
  origin: Origin | undefined,
  { lostWrites }: StoreConfig,
): Committed {
  events.lost({ selector, owner, reason });
  if (lostWrites === "throw") throw new SessionLostError();
  return { cookie: "keep", origin };
}

/** Tells of the sessions that a limit ended. */
function told(answer: Ok, owner: string | null, committed: Committed): Committed {
  for (const selector of answer.ended ?? []) events.destroyed({ selector, owner });
  return committed;
}
