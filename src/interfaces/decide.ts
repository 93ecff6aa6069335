import type { Fields } from "../json/fields.ts";

/** What a save does with the cookie. `refresh` rewrites unchanged data to extend its expiry. */
export type Outcome = "nothing" | "write" | "refresh" | "delete";

/** The input of {@link decide}. */
export interface SaveState {
  /** The session has no secret key: it is never saved, and the response gets no headers for it. */
  readonly isNull: boolean;
  /** The session has no keys; `_permanent` counts as a key. */
  readonly empty: boolean;
  readonly modified: boolean;
  readonly accessed: boolean;
  readonly permanent: boolean;
  readonly refreshEachRequest: boolean;
  /** Seconds since the stored data was written; `undefined` if unknown. */
  readonly age: number | undefined;
  /** A refresh is due once `age` reaches this many seconds. Flask: 0, on every request. */
  readonly refreshAfter: number;
}

/** Flask-Session's rule: a session whose only key is `_permanent` is empty. */
export function isEmpty(fields: Fields): boolean {
  return fields.size === 0 || (fields.size === 1 && fields.has("_permanent"));
}

/** What to do with the cookie, and whether the response depends on it. */
export interface Decision {
  readonly outcome: Outcome;
  /** Add `Cookie` to `Vary`. */
  readonly vary: boolean;
}

/**
 * Flask's `save_session` as a pure function: given what a request did to its session, says what happens to the cookie.
 * Used for sessions in a cookie and for Flask-Session's; {@link decideRecord} is its counterpart for a store.
 *
 * @example
 * ```ts
 * import { decide } from "hipflask";
 *
 * const looked = { isNull: false, empty: false, modified: false, accessed: true, age: 60, refreshAfter: 0 };
 * console.log(decide({ ...looked, permanent: false, refreshEachRequest: true })); // { outcome: "nothing", vary: true }
 * console.log(decide({ ...looked, permanent: true, refreshEachRequest: true })); // { outcome: "refresh", vary: true }
 * ```
 */
export function decide(state: SaveState): Decision {
  if (state.isNull) return { outcome: "nothing", vary: false };
  const outcome = outcomeOf(state);
  return { outcome, vary: state.accessed || outcome !== "nothing" };
}

/** The input of {@link decideRecord}: the data is in a record, and the cookie holds its token. */
export interface RecordSaveState extends Omit<SaveState, "isNull" | "age" | "refreshAfter"> {
  /** The session has a record. */
  readonly isStored: boolean;
  /** The handler called `destroy()`; data that it wrote afterwards belongs to a new session. */
  readonly isDestroyed: boolean;
  /** The handler called `clear()`, which ends the session as in Flask; deleting its last key does not. */
  readonly isCleared: boolean;
  /** The handler called `regenerate()` or logged in, so the session gets a new token. */
  readonly isRegenerated: boolean;
  /** The request failed: ending the session and replacing its token take effect, changes of its data are dropped. */
  readonly isFailure: boolean;
  /** Something is to be written into the record: changed data, or flashed messages that were not shown. */
  readonly isChanged: boolean;
  /** The last activity was recorded `touchEvery` or longer ago. */
  readonly isTouchDue: boolean;
  /** Periodic token rotation is due. */
  readonly isRotationDue: boolean;
  /** The cookie must be sent again: the browser missed the last one, or its expiry has changed. */
  readonly isCookieDue: boolean;
  /** The browser holds the cookie of a session that has ended. */
  readonly isCookieDeletionDue: boolean;
}

/** What to do with the record and its cookie. */
export interface RecordDecision extends Decision {
  /** Remove the record. */
  readonly end: boolean;
  /** Create a new record. */
  readonly create: boolean;
  /** Write the changes to the record. */
  readonly write: boolean;
  /** Record the time of this activity. */
  readonly touch: boolean;
  /** Replace the token: periodically, by its successor, or by a fresh one; then the old token stops working at once. */
  readonly rotate: "no" | "periodic" | "fresh";
}

/**
 * The same decision for a session in a store: what happens to the record and to the cookie. If another request changed
 * the record first, the commit reports a conflict; it does not repeat this decision.
 */
export function decideRecord(state: RecordSaveState): RecordDecision {
  const { isStored, isFailure, isTouchDue, permanent, refreshEachRequest } = state;
  const change = state.modified ? (state.empty ? "delete" : "write") : "nothing";
  const end = isStored && (state.isDestroyed || (change === "delete" && state.isCleared && !isFailure));
  const isKept = isStored && !end;
  const create = !isKept && change === "write" && !isFailure;
  const rotate = !isKept ? "no" : state.isRegenerated ? "fresh" : state.isRotationDue ? "periodic" : "no";
  const write = isKept && state.isChanged;
  const touch = isKept && isTouchDue;
  const isWritten = write && state.modified && !isFailure;
  const isRefresh = permanent && (isWritten || (refreshEachRequest && (write || touch)));
  const isSent = create || (isKept && (rotate !== "no" || state.isCookieDue || isRefresh));
  const isRemoved = !isSent && !isKept && (end || change === "delete" || state.isCookieDeletionDue);
  const outcome = isRemoved ? "delete" : !isSent ? "nothing" : change === "write" ? "write" : "refresh";
  return { outcome, vary: state.accessed || outcome !== "nothing", end, create, write, touch, rotate };
}

function outcomeOf(state: SaveState): Outcome {
  if (state.empty) return state.modified ? "delete" : "nothing";
  if (state.modified) return "write";
  return isRefreshDue(state) ? "refresh" : "nothing";
}

function isRefreshDue({ permanent, refreshEachRequest, age, refreshAfter }: SaveState): boolean {
  return permanent && refreshEachRequest && (age === undefined || age >= refreshAfter);
}
