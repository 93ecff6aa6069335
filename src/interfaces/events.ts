import { channel, type Channel } from "node:diagnostics_channel";
import type { RefusalReason } from "../codecs/codec.ts";
import type { Outcome } from "./decide.ts";
import { SessionLostError, type StoreErrorReason } from "../errors.ts";

/** Message of the channel `hipflask:opened`: a cookie was verified and holds a session. */
export interface OpenedEvent {
  readonly cookieName: string;
  /** Number of top-level keys. */
  readonly keys: number;
  /** The public half of a stored session's token; absent in a cookie session. */
  readonly selector?: string;
}

/** Message of the channel `hipflask:refused`: a cookie came in and is not a session. */
export interface RefusedEvent {
  readonly cookieName: string;
  readonly reason: RefusalReason;
}

/** Message of the channel `hipflask:saved`: a response sets or deletes the session cookie. */
export interface SavedEvent {
  readonly outcome: Exclude<Outcome, "nothing">;
  readonly cookieName: string;
}

/** Message of the channel `hipflask:cacheConflict`: an answer with a session cookie wanted to be kept by caches. */
export interface CacheConflictEvent {
  readonly cookieName: string;
  /** The directives of Cache-Control that were removed. */
  readonly removed: readonly string[];
}

/** Message of the channels about a stored session: `hipflask:created`, `rotated`, `destroyed` and `reused`. */
export interface StoredEvent {
  /** The public half of the session's token; for a record shared with another program, a hash of its key. */
  readonly selector: string;
  readonly owner: string | null;
}

/** Message of the channel `hipflask:lost`: a change was dropped because the session had ended or moved on meanwhile. */
export interface LostEvent extends StoredEvent {
  readonly reason: "gone" | "verifier" | "revoked";
}

/** Message of the channel `hipflask:sweepFailed`: expired records could not be removed; the next sweep tries again. */
export interface SweepFailedEvent {
  /** What the store said; it names no session. */
  readonly error: unknown;
}

/** Message of the channel `hipflask:storeFailed`: the store could not do what a request or a sweep asked of it. */
export interface StoreFailedEvent {
  /** The step of `Store`. */
  readonly verb: string;
  readonly reason: StoreErrorReason;
}

/** Message of the channel `hipflask:migrated`: a session was opened from another library's cookie. */
export interface MigratedEvent {
  /** The library, as its reader is called. */
  readonly from: string;
  readonly cookieName: string;
}

/** Message of the channel `hipflask:recordKept`: a session was taken over, and its record in the old store is still there. */
export interface RecordKeptEvent {
  /** The library, as its reader is called. */
  readonly from: string;
  /** What the old store said. */
  readonly error: unknown;
}

/**
 * What happens to sessions, on `node:diagnostics_channel`. Messages name cookies, counts and reasons and never hold a
 * secret, a cookie or session data. Costs nothing without a listener.
 */
export const events = {
  opened: publisher<OpenedEvent>("hipflask:opened"),
  refused: publisher<RefusedEvent>("hipflask:refused"),
  saved: publisher<SavedEvent>("hipflask:saved"),
  cacheConflict: publisher<CacheConflictEvent>("hipflask:cacheConflict"),
  created: publisher<StoredEvent>("hipflask:created"),
  rotated: publisher<StoredEvent>("hipflask:rotated"),
  destroyed: publisher<StoredEvent>("hipflask:destroyed"),
  /** A token that was replaced long ago came back: it may have been stolen. */
  reused: publisher<StoredEvent>("hipflask:reused"),
  lost: publisher<LostEvent>("hipflask:lost"),
  sweepFailed: publisher<SweepFailedEvent>("hipflask:sweepFailed"),
  storeFailed: publisher<StoreFailedEvent>("hipflask:storeFailed"),
  migrated: publisher<MigratedEvent>("hipflask:migrated"),
  recordKept: publisher<RecordKeptEvent>("hipflask:recordKept"),
};

function publisher<Event>(name: string): (event: Event) => void {
  const target: Channel = channel(name);
  return (event) => {
    if (target.hasSubscribers) target.publish(event);
  };
}

/**
 * A change was dropped because its session had ended or moved on: nothing is revived, and no cookie contradicts a newer
 * one.
 *
 * @param isError the request must not seem to have worked
 * @throws SessionLostError if so
 */
export function lost(event: LostEvent, isError: boolean): void {
  events.lost(event);
  if (isError) throw new SessionLostError();
}
