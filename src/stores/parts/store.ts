/**
 * Where records are kept: **compare-and-set**.
 *
 * A store keeps texts under keys. Each text has the id of the commit that wrote it, and a text is only replaced by a writer who
 * names the commit that is there now. These four steps are all that a store can do to a record, and each is atomic:
 *
 * | step | changes the record if |
 * |---|---|
 * | `read` | never |
 * | `insert` | the key is free |
 * | `replace` | the record is live, and still has the expected commit id |
 * | `remove` | it exists; with `expected`, only if it still has that commit id |
 *
 * What the texts mean – fields, tokens, owners, counters – is known to `record.ts` and `owners.ts` alone, and the loop
 * that repeats a change after a conflict is in `commit.ts`, so a new engine needs nothing but these steps. The tests that
 * a store has to pass are in `hipflask/testing`.
 *
 * **Units.** Durations are seconds, instants are epoch milliseconds by the store's clock. A record's lifetime is enforced
 * by the store: `read`, `replace` and `insert` treat a record as absent from the moment in which it expires.
 *
 * **Errors.** Every step rejects when the engine cannot be asked, with whatever the driver throws; what is above makes a `StoreError` of it
 * that holds no session data. A step that rejects was applied once or not at all; the caller finds out which by the commit id, so a
 * step that writes must never be repeated inside of a store. A step that would fail again rejects with a `StoreError` of another reason
 * than "unavailable" and "timeout".
 *
 * **Keys** have 1 to 120 characters of `[A-Za-z0-9_:-]`. **Commit ids** have 16 characters of `[A-Za-z0-9_-]`, 96 random bits.
 * **Contents** are texts without NUL and without lone surrogates; stores of other programs may keep bytes.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * const store = memoryStore();
 * await store.insert("visits", { text: "1", commit: "AAAAAAAAAAAAAAAA", lifetime: 3600 });
 * const next = { text: "2", commit: "BBBBBBBBBBBBBBBB", lifetime: 3600 };
 * console.log(await store.replace("visits", "AAAAAAAAAAAAAAAA", next)); // { status: "ok" }
 * // A second writer that had read the same text changes nothing, and gets what is there now.
 * const { status } = await store.replace("visits", "AAAAAAAAAAAAAAAA", next);
 * console.log(status); // conflict
 * ```
 */
export interface Store<Content = string> {
  /** For messages and logs: `Redis at 127.0.0.1:6379`. Never holds a password. */
  readonly name: string;

  /**
   * Whether each step is atomic. With `false` (a store that can only read and then write), sessions with an owner are
   * refused unless `allowNonAtomicStore` is set.
   */
  readonly atomic: boolean;

  /** The live record. Changes nothing, not even its deadline. */
  read(key: string): Promise<Stored<Content> | undefined>;

  /** Adds a record and resolves `true`; `false` if there is a live one, which stays as it is. */
  insert(key: string, write: Write<Content>): Promise<boolean>;

  /** Replaces a live record whose commit id is `expected`; "conflict" comes with the record that is there instead. */
  replace(key: string, expected: string, write: Write<Content>): Promise<Replaced<Content>>;

  /** Removes a record for good; if `expected` is given, only while its commit id is the expected one. */
  remove(key: string, expected?: string): Promise<Replaced<Content>>;

  /**
   * The live ones of these records, each with the first `length` characters of its text (or more). The store splits long lists
   * into operations of bounded size. Left out, records are read one by one.
   */
  readMany?(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored<Content>>>;

  /**
   * Removes up to `limit` expired records and resolves with their number; less than `limit` means that none is left for now.
   * The store may put off a removal for an eighth of the record's lifetime; to all other steps it is absent meanwhile.
   * Left out where the engine does that itself. Safe to run in several processes at once.
   */
  removeExpired?(limit: number): Promise<number>;

  /**
   * The store's clock, epoch milliseconds. One that has to be fetched is asked at the start, and then about once a minute if `read`
   * does not bring the time along; one at hand in this process is asked whenever the time is needed. Left out, times are this process's
   * own until a `read` has told the store's.
   */
  now?(): number | Promise<number>;

  /**
   * Only where records are shared with a program that keeps no commit ids: the id of a content, for example its hash or the
   * content itself. It stands for `Write.commit` and in `Stored.commit` then.
   */
  commitOf?(text: Content): string;

  /** Creates what the engine needs: tables and indexes. May be called any number of times. */
  migrate?(): Promise<void>;

  /** Closes what the store opened itself. A client that was passed in stays open. */
  close?(): Promise<void>;
}

/** A record as the store has it. */
export interface Stored<Content = string> {
  readonly text: Content;
  /** The commit that wrote it. */
  readonly commit: string;
  /** The store's clock when it was read, where the engine tells it with the record for nothing. */
  readonly now?: number | undefined;
}

/** A record to be stored. */
export interface Write<Content = string> {
  readonly text: Content;
  /** A fresh commit id. */
  readonly commit: string;
  /** Seconds for which the record lives from now on, fractions included; more than 0. */
  readonly lifetime: number;
  /**
   * The session of a visitor who did not log in. A store with bounded space keeps such records to a share of it, and
   * drops them first; others may ignore this.
   */
  readonly anonymous?: boolean | undefined;
}

/** What became of a `replace` or a conditional `remove`. */
export type Replaced<Content = string> =
  | { readonly status: "ok" }
  /** There is no live record. */
  | { readonly status: "gone" }
  /** Another commit was there first; nothing was changed. */
  | { readonly status: "conflict"; readonly current: Stored<Content> };
