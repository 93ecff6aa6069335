import type { SessionRequest } from "../interfaces/session-interface.ts";
import type { RecordLimits } from "../stores/parts/record.ts";

/**
 * How long sessions in a store live, and what a save does to them: the option `storeOptions`, beside `store`.
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
  /** Fetches a stored session when `await loadSession()` is called and not with every request that has a cookie. Default false. */
  readonly lazy?: boolean | undefined;
  /** Seconds without a request after which a stored session ends. Default `lifetime`; with `hardened`, one hour. */
  readonly idleTimeout?: number | undefined;
  /**
   * The same for a session without a login: without `session.owner`, and not `permanent`. A script can create any number of
   * these. Default `idleTimeout`, at most one day.
   */
  readonly anonymousTimeout?: number | undefined;
  /** Seconds after which a stored session ends in any case, counted from its beginning or the owner's login; null: never. Default null; with `hardened`, 24 hours. */
  readonly absoluteTimeout?: number | null | undefined;
  /** Seconds between two writes of a session's last activity. Default a tenth of `idleTimeout`, at most 300. */
  readonly touchEvery?: number | undefined;
  /** Seconds after which a stored session moves on to a new token by itself; needs a `secretKey`. Default 0: only at login. */
  readonly rotateAfter?: number | undefined;
  /** Seconds for which a token replaced in this way stays good, so that parallel requests do not fail. Default 30. */
  readonly rotationGrace?: number | undefined;
  /** What becomes of a session whose replaced token comes back after that: the token is refused (default), or the session destroyed. A token from before a login never ends the session after it. */
  readonly reusedTokens?: "refuse" | "destroy" | undefined;
  /** Live sessions one owner may have. Default 1000. */
  readonly maxPerOwner?: number | undefined;
  /** A login beyond the limit is refused with `OwnerLimitError`, or ends the owner's oldest session (default). */
  readonly ownerOverflow?: "refuse" | "end-oldest" | undefined;
  /**
   * Keys of the anonymous session that stay when `session.owner` is assigned, beside what the same request wrote; true:
   * all of them. Default true; with `hardened`, none.
   */
  readonly keepAtLogin?: readonly string[] | true | undefined;
  /** What to remember of a device for lists of sessions, as JSON; at most 1 KiB. Default nothing. */
  readonly device?: ((request: SessionRequest) => unknown) | undefined;
  /** What to do with a change to a session that ended meanwhile: `"drop"` it (default) or `"throw"` a `SessionLostError`. */
  readonly lostWrites?: "drop" | "throw" | undefined;
  /** Save data and logins of stored sessions also when the answer is a 5xx. Default false: only logouts and new tokens are saved then. */
  readonly saveOnError?: boolean | undefined;
  /** How large one record in the store may grow. Default 1000 fields and 256 KiB. */
  readonly recordLimits?: Partial<RecordLimits> | undefined;
  /** Seconds that a read or a commit may take, waiting and retries included. Default 2. */
  readonly storeTimeout?: number | undefined;
  /** Seconds between two removals of expired records, from the first request until `manager.close()`; 0: never, something else does it. Default 60. */
  readonly sweepEvery?: number | undefined;
  /** Accept `session.owner` with a store that cannot change a record atomically. Default false. */
  readonly allowNonAtomicStore?: boolean | undefined;
}
