import type { StoreError } from "../errors.ts";
import { inTime } from "./in-time.ts";
import type { Store } from "./store.ts";

/** Options of {@link withTimeLimit}. */
export interface TimeLimitOptions {
  /** Seconds a step may take. Default 2. */
  readonly seconds?: number;
  /** Called with each step that failed, before its caller gets the rejection. */
  readonly onFailure?: ((verb: string, error: StoreError) => void) | undefined;
}

const SECONDS = 2;

/**
 * The same store, where every step answers or rejects in time. Nothing is repeated: a step that ran out of time may have
 * been applied, and the caller finds out by the commit id. `migrate` and `close` take the time they need.
 *
 * @throws StoreError "timeout" from every step; every other error of the store is passed on as a `StoreError`.
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { withTimeLimit } from "hipflask/stores/time-limit";
 * const store = withTimeLimit(memoryStore(), { seconds: 2 });
 * ```
 */
export function withTimeLimit<Content>(
  store: Store<Content>,
  { seconds = SECONDS, onFailure }: TimeLimitOptions = {},
): Store<Content> {
  const ask = <Result>(verb: string, act: () => Promise<Result>): Promise<Result> => {
    const answer = inTime(store.name, verb, seconds, act);
    if (onFailure === undefined) return answer;
    return answer.catch((error: StoreError) => {
      onFailure(verb, error);
      throw error;
    });
  };
  return {
    name: store.name,
    atomic: store.atomic,
    read: (key) => ask("read", () => store.read(key)),
    insert: (key, write) => ask("insert", () => store.insert(key, write)),
    replace: (key, expected, write) => ask("replace", () => store.replace(key, expected, write)),
    remove: (key, expected) => ask("remove", () => store.remove(key, expected)),
    ...(store.readMany && {
      readMany: (keys, length) => ask("readMany", () => store.readMany!(keys, length)),
    }),
    ...(store.removeExpired && {
      removeExpired: (limit) => ask("removeExpired", () => store.removeExpired!(limit)),
    }),
    ...(store.now && { now: () => limitedNow(store, ask) }),
    ...(store.commitOf && { commitOf: (text) => store.commitOf!(text) }),
    ...(store.migrate && { migrate: () => store.migrate!() }),
    ...(store.close && { close: () => store.close!() }),
  };
}

/** A clock that is at hand needs no limit. */
function limitedNow<Content>(
  store: Store<Content>,
  ask: (verb: string, act: () => Promise<number>) => Promise<number>,
): number | Promise<number> {
  const now = store.now!();
  return typeof now === "number" ? now : ask("now", () => now);
}
