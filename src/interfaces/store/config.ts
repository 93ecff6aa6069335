import type { KeyObject } from "node:crypto";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { SessionRecords } from "../../stores/parts/session-records.ts";
import type { CookieConfig } from "../cookie-interface.ts";
import type { SessionRequest } from "../session-interface.ts";

/** What a stored session is configured with beyond its cookie. Durations are seconds. */
export interface StoreConfig extends CookieConfig {
  readonly records: SessionRecords;
  readonly json: TaggedJSONSerializer;
  readonly trackNested: boolean;
  /** Sessions are fetched when `loadSession()` is called, not when a request comes in with a token. */
  readonly lazy: boolean;
  /** A session ends after this long without a request. */
  readonly idleTimeout: number;
  /** The same for a session that is not permanent and has no owner. */
  readonly anonymousTimeout: number;
  /** A session ends this long after it began, or after its owner's last login; null: no such limit. */
  readonly absoluteTimeout: number | null;
  /** Activity is noted at most this often. */
  readonly touchEvery: number;
  /** The token is replaced this long after the last time; 0: only at login. */
  readonly rotateAfter: number;
  /** A token that was replaced by a periodic rotation stays good for this long. */
  readonly rotationGrace: number;
  /** Makes the successors in such rotations; null without a secret key. */
  readonly rotationKey: KeyObject | null;
  /** Expired records are removed this often; 0: never. */
  readonly sweepEvery: number;
  /** What to show of a device in a list of sessions. */
  readonly device: ((request: SessionRequest) => unknown) | undefined;
  /** What of a stranger's data follows its owner's login. */
  readonly keepAtLogin: readonly string[] | true;
  readonly lostWrites: "drop" | "throw";
  readonly saveOnError: boolean;
  /** Sessions may have owners: the store changes them atomically. */
  readonly ownable: boolean;
  readonly reusedTokens: "refuse" | "destroy";
}
