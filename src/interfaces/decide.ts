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
  /** Seconds since what is stored was written; `undefined` where nobody knows. */
  readonly age: number | undefined;
  /** A refresh is due once `age` has reached this many seconds. Flask: 0, on every request. */
  readonly refreshAfter: number;
}

/** What to do, and whether the response depended on the cookie. */
export interface Decision {
  readonly outcome: Outcome;
  /** Add `Cookie` to `Vary`. */
  readonly vary: boolean;
}

/**
 * The whole of Flask's `save_session` as one table: given what a request did to its session, what happens to the
 * cookie. Pure; every interface uses this one.
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

function outcomeOf(state: SaveState): Outcome {
  if (state.empty) return state.modified ? "delete" : "nothing";
  if (state.modified) return "write";
  return isRefreshDue(state) ? "refresh" : "nothing";
}

function isRefreshDue({ permanent, refreshEachRequest, age, refreshAfter }: SaveState): boolean {
  return permanent && refreshEachRequest && (age === undefined || age >= refreshAfter);
}
