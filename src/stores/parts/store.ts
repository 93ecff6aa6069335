/**
 * Stores records, and changes them by **compare-and-set**.
 *
 * A store keeps texts under keys, each with the id of the commit that wrote it. Replacing a text requires the commit id of the
 * stored text. A store has four steps, and each is atomic:
 *
 * | step | changes the record if |
 * |---|---|
 * | `read` | never |
 * | `insert` | the key is free |
 * | `replace` | the record is live, and still has the expected commit id |
 * | `remove` | it exists; with `expected`, only if it still has that commit id |
 *
 * Stores do not interpret the texts (fields, tokens, owners and counters are in `record.ts` and `owners.ts`), and they do not
 * retry after a conflict (`commit.ts` does), so a new engine needs only these steps. The tests that a store has to pass are
 * in `hipflask/testing`.
 *
 * **Units.** Durations are in seconds, times in epoch milliseconds by the store's clock. The store enforces a record's lifetime:
 * once it has expired, every step treats the record as absent.
 *
 * **Errors.** If the engine fails or cannot be reached, a step rejects with the driver's error; the caller converts it to a
 * `StoreError` without session data. A step that rejects was applied once or not at all. The caller finds out which by the
 * commit id, so a store must never retry a step that writes. For an error that a retry would not help against, reject with a
 * `StoreError` whose reason is neither "unavailable" nor "timeout".
 *
 * **Keys** have 1 to 120 characters of `[A-Za-z0-9_:-]`. **Commit ids** have 16 characters of `[A-Za-z0-9_-]`, 96 random bits.
 * **Contents** are texts without NUL characters and lone surrogates; stores shared with other programs may keep bytes.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * const store = memoryStore();
 * await store.insert("visits", { text: "1", commit: "AAAAAAAAAAAAAAAA", lifetime: 3600 });
 * const next = { text: "2", commit: "BBBBBBBBBBBBBBBB", lifetime: 3600 };
 * console.log(await store.replace("visits", "AAAAAAAAAAAAAAAA", next)); // { status: "ok" }
 * // A second writer that has read the same text changes nothing, and gets the current text.
 * const { status } = await store.replace("visits", "AAAAAAAAAAAAAAAA", next);
 * console.log(status); // conflict
 * ```
 */
export interface Store<Content = string> {
  /** Name for messages and logs: `Redis at 127.0.0.1:6379`. Must not contain a password. */
  readonly name: string;

  /**
   * Whether each step is atomic. If `false` (the store has to read and then write), sessions with an owner are refused unless
   * `allowNonAtomicStore` is set.
   */
  readonly atomic: boolean;

  /** Reads a live record. Does not extend its lifetime. */
  read(key: string): Promise<Stored<Content> | undefined>;

  /** Adds a record and resolves with `true`; with `false` if a live record exists, which does not change. */
  insert(key: string, write: Write<Content>): Promise<boolean>;

  /** Replaces a live record whose commit id is `expected`; "conflict" includes the stored record. */
  replace(key: string, expected: string, write: Write<Content>): Promise<Replaced<Content>>;

  /** Removes a record; if `expected` is given, only if that is its commit id. */
  remove(key: string, expected?: string): Promise<Replaced<Content>>;

  /**
   * Reads those of the records that are live, each with at least the first `length` characters of its text. The store splits
   * long lists into operations of limited size. Without it, records are read one by one.
   */
  readMany?(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored<Content>>>;

  /**
   * Removes up to `limit` expired records and resolves with their number; less than `limit` means that none is left for now.
   * The store may delay a removal by an eighth of the record's lifetime. Leave it out if the engine removes expired records
   * itself. Several processes may call it at once.
   */
  removeExpired?(limit: number): Promise<number>;

  /**
   * The store's clock, in epoch milliseconds. If it returns a promise, it is called at the start, and then about once a minute
   * if `read` does not return the time; if it returns a number, whenever the time is needed. Without it, this process's clock
   * is used until a `read` returns the store's time.
   */
  now?(): number | Promise<number>;

  /**
   * Only for records shared with a program that stores no commit ids: the id of a content, for example its hash or the content
   * itself. It is then used as `Write.commit` and `Stored.commit`.
   */
  commitOf?(text: Content): string;

  /** Creates the tables and indexes that the store needs, if they are missing. */
  migrate?(): Promise<void>;

  /** Closes the connections that the store opened itself, not a client that was passed in. */
  close?(): Promise<void>;
}

/** A stored record. */
export interface Stored<Content = string> {
  readonly text: Content;
  /** The id of the commit that wrote it. */
  readonly commit: string;
  /** The store's clock at the time of the read, if the engine returns it with the record. */
  readonly now?: number | undefined;
}

/** A record to be stored. */
export interface Write<Content = string> {
  readonly text: Content;
  /** A new commit id. */
  readonly commit: string;
  /** Seconds until the record expires; may be fractional, and is more than 0. */
  readonly lifetime: number;
  /**
   * The session has no owner. A store of limited size removes such records first when it is full; others may ignore this.
   */
  readonly anonymous?: boolean | undefined;
}

/** The result of `replace` and `remove`. */
export type Replaced<Content = string> =
  | { readonly status: "ok" }
  /** There is no live record. */
  | { readonly status: "gone" }
  /** The record has another commit id; nothing was changed. */
  | { readonly status: "conflict"; readonly current: Stored<Content> };
