import type { Fields } from "../json/fields.ts";

/**
 * Where sessions live when they live on a server: **operations, not states**.
 *
 * Every verb is one atomic conditional operation with a closed answer. No verb inserts what is missing but
 * `create`, no verb overwrites what it was not told to, so parallel requests cannot lose each other's writes and
 * nothing revives a destroyed session. Each promise below is a test of `storeContract` in `hipflask/testing`.
 *
 * Units: durations are **seconds**, as in the options; instants are **epoch milliseconds**, as in `Date`, and always
 * read from the store's own clock, so that a wrong clock on an application server cannot lengthen a session.
 *
 * A store knows hashes of verifiers and JSON texts. It never sees a token, a cookie or a `Session`.
 * Every verb rejects with a `StoreError` when the engine cannot be asked; then nothing is promised but that
 * an operation was applied once or not at all.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { newToken } from "hipflask/stores/token";
 *
 * const store = memoryStore();
 * const { selector, verifierHash } = newToken();
 * const fields = new Map([["username", '"ada"']]);
 * await store.create({ selector, verifierHash, fields, expiry: { idle: 3600 } });
 * const answer = await store.patch(selector, verifierHash, { set: new Map([["visits", "1"]]) });
 * console.log(answer.status); // ok
 * ```
 */
export interface SessionStore {
  /** What this store can promise; asked once, at start-up. */
  readonly traits: StoreTraits;

  /**
   * Inserts a session. Never overwrites: a selector that is taken, even by an expired or unreadable record, answers
   * `conflict` ("selector") and changes nothing; try again with a fresh token. A `claim` that may not be made answers
   * `stale` ("revoked") or `conflict` ("limit") and leaves no session behind.
   */
  create(session: NewSession): Promise<Ok | Stale | Conflict>;

  /**
   * Finds the session if it is live by the store's clock. Changes nothing: a read is not activity.
   * A record that cannot be decoded answers `gone` with `undecodable: true` and is kept as it is, for inspection.
   */
  read(selector: string): Promise<Found | Gone>;

  /**
   * Applies all of `change` to a live session, or none of it. `presented` is the hash of the verifier the client
   * holds: `stale` ("verifier") unless it is the current one, or the previous one within its grace. `conflict`
   * ("expected") carries the record as it is now, so the next attempt needs no read.
   */
  patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict>;

  /**
   * Notes activity: the session now ends `idle` seconds from now, but never after its absolute limit.
   * Writes nothing, and answers `ok`, when activity was noted less than `every` seconds ago.
   */
  touch(selector: string, presented: string, touch: Touch): Promise<Ok | Gone | Stale>;

  /**
   * Replaces the verifier, and applies `rotation.change` in the same step. Extends nothing by itself.
   *
   * With `grace: 0` (login, privilege) the presented verifier is dead as of the answer. With a grace it stays good for
   * that many seconds, and rotating it again to the same `next` is `ok`: parallel requests that derive the same
   * successor agree without talking to each other. To another `next` it is `conflict` ("rotated") and nothing changes.
   */
  rotate(selector: string, presented: string, rotation: Rotation): Promise<Ok | Gone | Stale | Conflict>;

  /** Ends a session for good: no verb revives it. `gone` if there was none; that is no error. */
  destroy(selector: string): Promise<Ok | Gone>;

  /** The live sessions claimed for `owner`, most recently authenticated first; never verifiers, never data. */
  list(owner: string): Promise<SessionInfo[]>;

  /**
   * Ends every session of `owner` but `except`. First forbids claims whose authentication began before now, so a
   * login that races this call loses whichever way the race goes. `ok` is answered only when all of them are gone; after
   * an error, call again. `ended` names the sessions that were ended.
   */
  destroyAll(owner: string, options?: { except?: string | undefined }): Promise<Ended>;

  /**
   * Removes up to `limit` expired records and answers how many it removed: fewer than `limit` means nothing is
   * left for now. Never removes a live one. Safe to run in several processes at once. Engines that expire records
   * themselves use it to tidy what is left, and may answer 0.
   */
  deleteExpired(limit: number): Promise<number>;

  /** Which of these selectors are live, in one round trip where the engine allows: for closing sockets of ended sessions. */
  live(selectors: readonly string[]): Promise<string[]>;

  /** Lets go of what the store opened itself. A client that was passed in stays open: it is yours. */
  close?(): Promise<void>;
}

/** What a store can promise. */
export interface StoreTraits {
  /** Each verb is one atomic conditional operation. Without it, authenticated sessions are refused unless overridden. */
  readonly atomic: boolean;
  /** Sessions can be claimed, listed and ended by owner. Without it `list` and `destroyAll` reject. */
  readonly indexed: boolean;
}

/** A session to be inserted. */
export interface NewSession {
  /** Public name and primary key: at least 96 random bits, `[A-Za-z0-9_-]`. */
  readonly selector: string;
  /** SHA-256 of the verifier, in base64url. */
  readonly verifierHash: string;
  readonly fields: Fields;
  readonly expiry: Expiry;
  /** Facts about the device to show in a list of sessions, as a small JSON text. */
  readonly device?: string | undefined;
  /** Files the session under its owner. */
  readonly claim?: Claim | undefined;
}

/** How long a session lives, in seconds from now by the store's clock. */
export interface Expiry {
  /** Ends after this long without activity. */
  readonly idle: number;
  /** Ends after this long in any case; `null`: no such limit. Left out of a change, the limit stays as it was; left out of `create`, there is none. */
  readonly absolute?: number | null | undefined;
}

/** Activity to note. */
export interface Touch {
  /** Ends after this many seconds without activity. */
  readonly idle: number;
  /** Do nothing if activity was noted less than this many seconds ago. Default 0. */
  readonly every?: number | undefined;
}

/**
 * What one commit does to a session. All or nothing, in this order: `expect` is checked against the stored fields, `keep`
 * drops, `unset` removes, `set` writes. Keys that are not named are not touched, whatever parallel requests do to them.
 *
 * Counters, lists and one-time messages need no operations of their own: `transact` in `transact.ts` turns
 * any function of one field into `expect` + `set`, tried again when another request was faster.
 */
export interface Change {
  /** Refuse with `conflict` unless each of these fields has exactly this text, `null` meaning absent. */
  readonly expect?: ReadonlyMap<string, string | null> | undefined;
  /** Drop every field but these. `[]` drops all. */
  readonly keep?: readonly string[] | undefined;
  /** Remove these fields; absent ones are no error. */
  readonly unset?: readonly string[] | undefined;
  /** Write these fields. */
  readonly set?: Fields | undefined;
  /** Note activity; with `absolute`, start that limit anew (after an authentication). */
  readonly expiry?: Expiry | undefined;
  /** File the session under an owner; `null` takes it out of its owner's list. */
  readonly claim?: Claim | null | undefined;
  readonly device?: string | undefined;
}

/** Files a session under its owner: the mark of an authenticated session. */
export interface Claim {
  /** Your id of the person; not empty. */
  readonly owner: string;
  /**
   * Seconds, fractions included, since the authentication began: the request's arrival, not the end of the password
   * check. Answers `stale` ("revoked") if a `destroyAll` came in between. The store asks after it has looked for one,
   * so a slow network cannot hide it. `() => 0` says that nothing can have come in between.
   */
  readonly elapsed: () => number;
  /** How many live sessions an owner may have. Default: any number. */
  readonly limit?: OwnerLimit | undefined;
}

/** Bounds the live sessions of one owner, exactly, however many logins run in parallel. */
export interface OwnerLimit {
  /** At least 1. */
  readonly max: number;
  /** One too many: refuse it with `conflict` ("limit"), or end the one authenticated longest ago. */
  readonly overflow: "refuse" | "end-oldest";
}

/** A new verifier for a session. */
export interface Rotation {
  /** SHA-256 of the new verifier. */
  readonly next: string;
  /** Seconds for which the presented verifier stays good; 0: it dies at once. */
  readonly grace: number;
  /** Applied in the same step. */
  readonly change?: Change | undefined;
}

/** A session as the store knows it. */
export interface SessionRecord {
  readonly selector: string;
  readonly verifierHash: string;
  /** The verifier before the last rotation, good until `previousUntil`; afterwards it is evidence of a stolen token. */
  readonly previousHash: string | null;
  readonly previousUntil: number;
  /** Keys keep the order they were written in where the engine allows. */
  readonly fields: Fields;
  readonly owner: string | null;
  readonly device: string | null;
  readonly createdAt: number;
  /** When the verifier was last replaced; `createdAt` if never. */
  readonly rotatedAt: number;
  /** When the authentication behind the last claim began; `null` if there was none. */
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  /** The earlier of the idle and the absolute limit: dead from this moment on. */
  readonly expiresAt: number;
  readonly absoluteAt: number | null;
}

/** What may be shown of a session to its owner. */
export interface SessionInfo {
  readonly selector: string;
  readonly device: string | null;
  readonly createdAt: number;
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  readonly expiresAt: number;
}

/** Done. */
export interface Ok {
  readonly status: "ok";
  /** Sessions of the same owner that a limit ended. */
  readonly ended?: readonly string[];
}

/** The session, and the time at the store when it was read: compare deadlines with `now`, not with a clock of your own. */
export interface Found {
  readonly status: "ok";
  readonly record: SessionRecord;
  readonly now: number;
}

/** Every session that was ended. */
export interface Ended {
  readonly status: "ok";
  readonly ended: readonly string[];
}

/** There is no live session of that name. */
export interface Gone {
  readonly status: "gone";
  /** There is a record, but it cannot be read. */
  readonly undecodable?: true;
}

/** There is a session, but it is not the caller's to change. */
export interface Stale {
  readonly status: "stale";
  /**
   * The presented verifier was replaced or never was one; or all sessions of the claimed owner were ended meanwhile,
   * and then this one may have been ended too.
   */
  readonly reason: "verifier" | "revoked";
}

/** Somebody else was faster; nothing was changed. */
export interface Conflict {
  readonly status: "conflict";
  /** The selector is taken; an `expect` did not hold; the verifier went another way; the owner has too many sessions. */
  readonly reason: "selector" | "expected" | "rotated" | "limit";
  /** With "expected": the session as it is now. */
  readonly record?: SessionRecord;
}

/** Any answer of a mutating verb. */
export type Answer = Ok | Gone | Stale | Conflict;

/** Done. The plain answers are shared, because they carry nothing. */
export const OK: Ok = { status: "ok" };
/** There is no such session, or it is over. */
export const GONE: Gone = { status: "gone" };
/** There is a record, and nobody can read it; it is kept for inspection. */
export const UNDECODABLE: Gone = { status: "gone", undecodable: true };
/** The presented verifier is not the current one. */
export const STALE: Stale = { status: "stale", reason: "verifier" };
/** The owner's sessions were ended after this one was read. */
export const REVOKED: Stale = { status: "stale", reason: "revoked" };
/** `create` met a record of the same selector. */
export const TAKEN: Conflict = { status: "conflict", reason: "selector" };
/** The verifier went another way in the meantime. */
export const ROTATED: Conflict = { status: "conflict", reason: "rotated" };
/** The owner has as many sessions as allowed. */
export const LIMIT_REACHED: Conflict = { status: "conflict", reason: "limit" };
