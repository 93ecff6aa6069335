import type { Fields } from "../json/fields.ts";

/** What saving does with the cookie. `refresh` is a `write` of unchanged data for the sake of a later expiry. */
export type Outcome = "nothing" | "write" | "refresh" | "delete";

/** Everything the decision depends on. */
export interface SaveState {
  /** A session without a secret key: it is never saved and leaves no trace in the response. */
  readonly isNull: boolean;
  /** The session has no keys at all; `_permanent` is a key like any other. */
  readonly empty: boolean;
  readonly modified: boolean;
  readonly accessed: boolean;
  readonly permanent: boolean;
  readonly refreshEachRequest: boolean;
  /** Seconds since what is stored was written; `undefined` where that is not known. */
  readonly age: number | undefined;
  /** A refresh is due once `age` has reached this many seconds. Flask: 0, on every request. */
  readonly refreshAfter: number;
}

/** Flask-Session's rule: a session that holds nothing but its own permanence is empty. */
export function isEmpty(fields: Fields): boolean {
  return fields.size === 0 || (fields.size === 1 && fields.has("_permanent"));
}

/** What to do, and whether the response depended on the cookie. */
export interface Decision {
  readonly outcome: Outcome;
  /** Add `Cookie` to `Vary`. */
  readonly vary: boolean;
}

/**
 * The whole of Flask's `save_session` as one table: given what a request did to its session, what happens to the
 * cookie. Pure. Sessions in a cookie and in a store use it; Django's and Flask-Session's interfaces decide as those do.
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

/** What the decision depends on where the data is in a record and the cookie only names it. */
export interface RecordSaveState extends Omit<SaveState, "isNull" | "age" | "refreshAfter"> {
  /** There is a record. */
  readonly isStored: boolean;
  /** The handler ended the session; what it wrote afterwards is another one. */
  readonly isDestroyed: boolean;
  /** The handler dropped everything in one go, which ends a session as in Flask; taking out its last key does not. */
  readonly isCleared: boolean;
  /** The handler asked for a new identity. */
  readonly isRegenerated: boolean;
  /** The request failed: an end and a new identity take effect, data is left as it was. */
  readonly isFailure: boolean;
  /** There is something to write into the record, if only one-time messages that were not shown. */
  readonly isChanged: boolean;
  /** Activity was noted long enough ago. */
  readonly isTouchDue: boolean;
  /** The token has served long enough. */
  readonly isRotationDue: boolean;
  /** The browser needs the cookie whatever happens: it missed one, or its expiry has moved. */
  readonly isCookieDue: boolean;
  /** The browser holds the cookie of a session that is over. */
  readonly isCookieDead: boolean;
}

/** What to do with a record and its cookie. */
export interface RecordDecision extends Decision {
  /** End the record. */
  readonly end: boolean;
  /** Begin another one. */
  readonly create: boolean;
  /** Write the changes into the record. */
  readonly write: boolean;
  /** Note activity, unless another step does. */
  readonly touch: boolean;
  /** Replace the token: by its successor, or by a fresh one that the old one does not survive. */
  readonly rotate: "no" | "periodic" | "fresh";
}

/**
 * The same for a session in a record: {@link decide}'s table, and what becomes of the record. The commit may find that
 * another request was faster, and then says so; it decides nothing of this again.
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
  const isRemoved = !isSent && !isKept && (end || change === "delete" || state.isCookieDead);
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
