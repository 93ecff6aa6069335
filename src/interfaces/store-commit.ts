import type { Outcome } from "../decide.ts";
import { OwnerLimitError, SessionLostError, StoreError } from "../errors.ts";
import { events } from "../events.ts";
import type { Fields } from "../json/fields.ts";
import type { Answer, Change, Expiry, NewSession, Ok } from "../stores/store.ts";
import { newToken, newVerifier, successorOf, type Token } from "../stores/token.ts";
import { retried } from "../stores/transact.ts";
import { changeOf, giveBack } from "./store-change.ts";
import type { StoreConfig } from "./store-config.ts";
import type { Origin, StoreSessionState } from "./store-state.ts";

/** What the cookie must become: this token, nothing, or what it is. */
export type CookieFate = Token | "delete" | "keep";

/** A selector of 96 random bits is never taken, unless the random source is broken. */
const MAX_COLLISIONS = 3;

/**
 * Makes what a request did to its session durable, with one operation of the store (two where a session ends and another
 * begins).
 *
 * @param isFailure the request failed: endings and new identities take effect, data is left as it was
 * @throws StoreError, SessionConflictError, OwnerLimitError; SessionLostError where `lostWrites` is `"throw"`
 */
export async function commit(
  state: StoreSessionState,
  outcome: Outcome,
  isFailure: boolean,
  config: StoreConfig,
): Promise<CookieFate> {
  const { origin } = state;
  // Whoever takes out the last key they know of does not know what others put in meanwhile.
  const isEmptied = outcome === "delete" && state.isCleared && !isFailure;
  const isOver = state.fate === "destroyed" || isEmptied;
  if (origin !== undefined && isOver && !(await destroy(origin, config))) {
    // Somebody else was faster, and the browser may hold a newer cookie by now.
    const isWritten = outcome === "write" && !isFailure;
    return isWritten ? lost(origin.record.selector, origin.record.owner, "gone", config) : "keep";
  }
  if (origin !== undefined && !isOver) return change(state, origin, isFailure, config);
  if (outcome === "write" && !isFailure) return create(state, config);
  return origin !== undefined || outcome === "delete" ? "delete" : "keep";
}

async function create(state: StoreSessionState, config: StoreConfig): Promise<CookieFate> {
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const token = newToken();
    const { selector, verifierHash } = token;
    const session = { selector, verifierHash, fields: state.fields(), ...loginOf(state, config) };
    const answer = await config.store.create({ ...session, expiry: wholeExpiry(config) });
    if (answer.status === "ok") {
      events.created({ selector, owner: state.owner });
      return told(answer, state, token);
    }
    if (answer.status === "stale") return lost(selector, state.owner, "revoked", config);
    if (answer.reason === "limit") throw new OwnerLimitError();
  }
  throw new StoreError(
    "unavailable",
    "The store finds every new selector taken; its random source must be broken.",
  );
}

async function change(
  state: StoreSessionState,
  origin: Origin,
  isFailure: boolean,
  config: StoreConfig,
): Promise<CookieFate> {
  const { store, json, idleTimeout, touchEvery } = config;
  const { record, token } = origin;
  const changeFor = isFailure ? giveBack(origin.flashes, json) : changeOf(state.changes(), origin, json);
  const next = nextToken(state, origin, config);
  const isTouchDue = secondsSince(record.lastSeenAt, origin) >= touchEvery;
  if (next === undefined && changeFor === undefined && !isTouchDue) return cookieOf(state, origin, false);

  const isLogin = state.isLogin && !isFailure;
  const rest: Change = isLogin
    ? { ...loginOf(state, config), expiry: wholeExpiry(config) }
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
  if (answer.status === "gone") return lost(record.selector, record.owner, "gone", config);
  if (answer.status === "stale") return lost(record.selector, record.owner, answer.reason, config);
  if (answer.status === "conflict") {
    if (answer.reason === "limit") throw new OwnerLimitError();
    return lost(record.selector, record.owner, "verifier", config);
  }
  if (next === undefined) return told(answer, state, cookieOf(state, origin, true));
  events.rotated({ selector: record.selector, owner: state.owner });
  return told(answer, state, next.token);
}

/** @returns whether there was still something to end */
async function destroy({ record }: Origin, { store }: StoreConfig): Promise<boolean> {
  const { status } = await store.destroy(record.selector);
  if (status === "ok") events.destroyed({ selector: record.selector, owner: record.owner });
  return status === "ok";
}

/** The token to move on to: a fresh one when the handler asked for it, the derived one when the old one has served long enough. */
function nextToken(
  state: StoreSessionState,
  origin: Origin,
  { rotateAfter, rotationGrace, rotationKey }: StoreConfig,
): { readonly token: Token; readonly grace: number } | undefined {
  const { record, token, isMissed } = origin;
  if (state.fate === "regenerated") return { token: newVerifier(record.selector), grace: 0 };
  const isDue = rotateAfter > 0 && !isMissed && secondsSince(record.rotatedAt, origin) >= rotateAfter;
  return isDue && rotationKey !== null
    ? { token: successorOf(token, rotationKey), grace: rotationGrace }
    : undefined;
}

/** The browser needs the cookie again if it missed the last one, or if its expiry has moved. */
function cookieOf(
  state: StoreSessionState,
  { token, isMissed, record }: Origin,
  isWritten: boolean,
): CookieFate {
  const isMoved = state.fields().get("_permanent") !== record.fields.get("_permanent");
  return isMissed || isMoved || (isWritten && state.permanent) ? token : "keep";
}

function loginOf(state: StoreSessionState, config: StoreConfig): Pick<NewSession, "claim" | "device"> {
  const { ownerLimit: limit } = config;
  const device = JSON.stringify(config.device?.(state.request));
  if (state.owner === null) return { device };
  return {
    device,
    claim: { owner: state.owner, elapsed: () => Math.max(0, config.now() - state.arrivedAt) / 1000, limit },
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
  selector: string,
  owner: string | null,
  reason: "gone" | "verifier" | "revoked",
  { lostWrites }: StoreConfig,
): CookieFate {
  events.lost({ selector, owner, reason });
  if (lostWrites === "throw") throw new SessionLostError();
  return "keep";
}

/** Tells of the sessions that a limit ended. */
function told(answer: Ok, { owner }: StoreSessionState, fate: CookieFate): CookieFate {
  for (const selector of answer.ended ?? []) events.destroyed({ selector, owner });
  return fate;
}
