import { tuple } from "../json/values.ts";
import type { SessionState } from "./state.ts";

/** How to take flashed messages. */
export interface FlashedMessagesOptions {
  /** Give `[category, message]` pairs instead of messages. Default false. */
  readonly withCategories?: boolean;
  /** Give only messages of these categories; the others are gone all the same, as in Flask. Default: all. */
  readonly categoryFilter?: readonly string[];
}

type Flash = readonly [category: string, message: string];

const FLASHES = "_flashes";
/** Messages taken in this request, so that a second call gives them again. */
const taken = new WeakMap<SessionState, readonly Flash[]>();

/** Appends to the list under `_flashes`, as the tuple (category, message) that Flask writes. */
export function flash(state: SessionState, message: string, category = "message"): void {
  const waiting = state.get(FLASHES);
  state.set(FLASHES, [...(Array.isArray(waiting) ? waiting : []), tuple(category, message)]);
}

/** Takes the list under `_flashes`, once per request. */
export function getFlashedMessages(
  state: SessionState,
  { withCategories = false, categoryFilter = [] }: FlashedMessagesOptions = {},
): (string | Flash)[] {
  let flashes = taken.get(state);
  if (flashes === undefined) {
    const waiting = state.get(FLASHES);
    if (state.has(FLASHES)) state.delete(FLASHES);
    flashes = Array.isArray(waiting) ? waiting.filter(isFlash) : [];
    taken.set(state, flashes);
  }
  const wanted = flashes.filter(
    ([category]) => categoryFilter.length === 0 || categoryFilter.includes(category),
  );
  return withCategories
    ? wanted.map(([category, message]) => [category, message])
    : wanted.map((pair) => pair[1]);
}

/** Whoever holds the key may have written anything; what is not a pair is not shown. */
function isFlash(item: unknown): item is Flash {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === "string";
}
