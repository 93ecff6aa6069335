import { channel } from "node:diagnostics_channel";
import type { RefusalReason } from "../codecs/codec.ts";
import type { Outcome } from "./decide.ts";
import { SessionLostError, type StoreErrorReason } from "../errors.ts";

/** Message of the channel `hipflask:opened`: a cookie was verified and its session opened. */
export interface OpenedEvent {
  readonly cookieName: string;
  /** Number of top-level keys. */
  readonly keys: number;
  /** The selector, the public part of the token, of a session in a store; absent for a session in a cookie. */
  readonly selector?: string;
}

/** Message of the channel `hipflask:refused`: a cookie was rejected. */
export interface RefusedEvent {
  readonly cookieName: string;
  readonly reason: RefusalReason;
}

/** Message of the channel `hipflask:saved`: a response sets or deletes the session cookie. */
export interface SavedEvent {
  readonly outcome: Exclude<Outcome, "nothing">;
  readonly cookieName: string;
}

/**
 * Message of the channel `hipflask:cacheConflict`: a response that sets the session cookie had a Cache-Control that
 * allows caching.
 */
export interface CacheConflictEvent {
  readonly cookieName: string;
  /** The Cache-Control directives that were removed. */
  readonly removed: readonly string[];
}

/** Message of the channels `hipflask:created`, `rotated`, `destroyed` and `reused`, about a session in a store. */
export interface StoredEvent {
  /** The selector, the public part of the token; for a record shared with another program, a hash of its key. */
  readonly selector: string;
  readonly owner: string | null;
}

/**
 * Message of the channel `hipflask:lost`: changes were dropped because another request ended the session or replaced
 * its token.
 */
export interface LostEvent extends StoredEvent {
  readonly reason: "gone" | "verifier" | "revoked";
}

/** Message of the channel `hipflask:sweepFailed`: removing expired records failed; the next sweep tries again. */
export interface SweepFailedEvent {
  /** The error of the store. */
  readonly error: unknown;
}

/** Message of the channel `hipflask:storeFailed`: an operation of the store failed. */
export interface StoreFailedEvent {
  /** The method of `Store`. */
  readonly verb: string;
  readonly reason: StoreErrorReason;
}

/** Message of the channel `hipflask:migrated`: a session was opened from another library's cookie. */
export interface MigratedEvent {
  /** The name of the library's reader. */
  readonly from: string;
  readonly cookieName: string;
}

/**
 * Message of the channel `hipflask:recordKept`: a session was migrated, but removing its record from the old store
 * failed.
 */
export interface RecordKeptEvent {
  /** The name of the library's reader. */
  readonly from: string;
  /** The error of the old store. */
  readonly error: unknown;
}

/**
 * Publishes what happens to sessions on `node:diagnostics_channel`. Messages hold cookie names, counts and reasons, and
 * never a secret, a cookie or session data. Without subscribers, `publish` does nothing.
 */
export const events = {
  opened: channelOf<OpenedEvent>("hipflask:opened"),
  refused: channelOf<RefusedEvent>("hipflask:refused"),
  saved: channelOf<SavedEvent>("hipflask:saved"),
  cacheConflict: channelOf<CacheConflictEvent>("hipflask:cacheConflict"),
  created: channelOf<StoredEvent>("hipflask:created"),
  rotated: channelOf<StoredEvent>("hipflask:rotated"),
  destroyed: channelOf<StoredEvent>("hipflask:destroyed"),
  /** A token was presented after it had been replaced and its grace period was over: it may have been stolen. */
  reused: channelOf<StoredEvent>("hipflask:reused"),
  lost: channelOf<LostEvent>("hipflask:lost"),
  sweepFailed: channelOf<SweepFailedEvent>("hipflask:sweepFailed"),
  storeFailed: channelOf<StoreFailedEvent>("hipflask:storeFailed"),
  migrated: channelOf<MigratedEvent>("hipflask:migrated"),
  recordKept: channelOf<RecordKeptEvent>("hipflask:recordKept"),
};

function channelOf<Event>(name: string): { publish(event: Event): void } {
  return channel(name);
}

/**
 * Reports that changes were dropped because another request ended the session or replaced its token.
 *
 * @throws SessionLostError if `isError`
 */
export function lost(event: LostEvent, isError: boolean): void {
  events.lost.publish(event);
  if (isError) throw new SessionLostError();
}
