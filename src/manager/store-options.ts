import type { SessionRequest } from "../interfaces/session-interface.ts";
import type { RecordLimits } from "../stores/parts/record.ts";

/**
 * The option `storeOptions`: how long sessions in a store live, and how they are saved.
 *
 * @example
 * ```ts
 * import { sessions } from "hipflask/hono";
 * import { memoryStore } from "hipflask/stores/memory";
 * export const middleware = sessions({
 *   secretKey: process.env.SECRET_KEY,
 *   store: memoryStore(),
 *   storeOptions: { idleTimeout: 15 * 60, absoluteTimeout: 12 * 60 * 60 },
 * });
 * ```
 */
export interface StoreOptions {
  /** Loads a stored session when `await loadSession()` is called instead of with every request that has a cookie. Default false. */
  readonly lazy?: boolean | undefined;
  /** Seconds without a request after which a stored session ends. Default `lifetime`; with `hardened`, one hour. */
  readonly idleTimeout?: number | undefined;
  /**
   * The same for a session without a login: without `session.owner`, and not `permanent`. Scripts can create any number of
   * these. Default `idleTimeout`, at most one day.
   */
  readonly anonymousTimeout?: number | undefined;
  /**
   * Seconds after which a stored session ends even if it is in use, counted from its beginning or the owner's login; null:
   * never. Default null; with `hardened`, 24 hours.
   */
  readonly absoluteTimeout?: number | null | undefined;
  /** Minimum seconds between two writes of a session's last activity. Default a tenth of `idleTimeout`, at most 300. */
  readonly touchEvery?: number | undefined;
  /** Seconds after which a stored session gets a new token; needs a `secretKey`. Default 0: only at login. */
  readonly rotateAfter?: number | undefined;
  /** Seconds for which the replaced token stays valid, so that parallel requests do not fail. Default 30. */
  readonly rotationGrace?: number | undefined;
  /**
   * What to do if a replaced token is used after that: refuse it (`"refuse"`, default), or end the session (`"destroy"`). A
   * token from before a login never ends the session after it.
   */
  readonly reusedTokens?: "refuse" | "destroy" | undefined;
  /** Maximum number of live sessions per owner. Default 1000. */
  readonly maxPerOwner?: number | undefined;
  /** At the limit, `"refuse"` a login with `OwnerLimitError`, or `"end-oldest"` session of the owner (default). */
  readonly ownerOverflow?: "refuse" | "end-oldest" | undefined;
  /**
   * Keys of the anonymous session to keep when `session.owner` is assigned, besides those that the same request wrote;
   * true: all of them. Default true; with `hardened`, none.
   */
  readonly keepAtLogin?: readonly string[] | true | undefined;
  /** Returns a description of the device for lists of sessions, as JSON; at most 1 KiB. Default none. */
  readonly device?: ((request: SessionRequest) => unknown) | undefined;
  /** What to do with a change to a session that ended meanwhile: `"drop"` it (default) or `"throw"` a `SessionLostError`. */
  readonly lostWrites?: "drop" | "throw" | undefined;
  /** Save data and logins of stored sessions even if the response is a 5xx. Default false: then only logouts and new tokens are saved. */
  readonly saveOnError?: boolean | undefined;
  /** Limits of one record in the store. Default 1000 fields and 256 KiB. */
  readonly recordLimits?: Partial<RecordLimits> | undefined;
  /** Maximum seconds for a read or a commit, including retries. Default 2. */
  readonly storeTimeout?: number | undefined;
  /**
   * Seconds between two removals of expired records, from the first request until `manager.close()`; 0: never, if something
   * else removes them. Default 60.
   */
  readonly sweepEvery?: number | undefined;
  /** Accept `session.owner` with a store that cannot change a record atomically. Default false. */
  readonly allowNonAtomicStore?: boolean | undefined;
}
