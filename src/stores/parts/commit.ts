import { StoreError } from "../../errors.ts";
import { unexpectedAnswer } from "./driver-errors.ts";
import type { Replaced, Store, Stored, Write } from "./store.ts";
import { backOff, type StoreCalls, type StoreClock, type Task } from "./store-calls.ts";
import { pooledRandom } from "./token.ts";
import { headOf } from "./values.ts";

/** Encodes and decodes the records of one kind. */
export interface CommitFormat<Content, Entry> {
  /** `undefined` if the content cannot be decoded. */
  decode(key: string, content: Content): Entry | undefined;
  /** @param before the entry that is replaced, if any */
  encode(entry: Entry, before: Entry | undefined): Content;
  /** For records that hold their expiry: checks it, although stores do not return expired records. */
  isLive?(known: Known<Entry>): boolean;
  /**
   * For records that hold the ids of earlier commits: reads them from an entry, and makes a copy of an entry with
   * others.
   */
  readonly ancestors?: {
    of(entry: Entry): string;
    with(entry: Entry, ancestors: string): Entry;
  };
}

/** {@link CommitFormat.ancestors} for entries with a property `ancestors`. */
export const ANCESTORS = {
  of: (entry: { readonly ancestors: string }) => entry.ancestors,
  with: <Entry>(entry: Entry, ancestors: string): Entry => ({ ...entry, ancestors }),
};

/** A record as this process last read or wrote it; it may have changed since. */
export interface Known<Entry> {
  readonly entry: Entry;
  readonly commit: string;
  /** The store's clock when it was read or written, epoch milliseconds. */
  readonly now: number;
}

/** A record to be written. */
export interface Draft<Entry> {
  readonly entry: Entry;
  /** Seconds. */
  readonly lifetime: number;
  readonly anonymous?: boolean | undefined;
  /** The entry it was made from, if that is not the record it replaces. */
  readonly before?: Entry | undefined;
  /**
   * It was computed from the stored record, so another writer may have written the same content. If commit ids are derived
   * from contents, finding this id then does not prove that this commit was applied.
   */
  readonly isComputed?: boolean | undefined;
}

/** What to do with a record: write it, remove it, or leave it unchanged. */
export type Step<Entry, Result> =
  | { readonly action: "leave" | "remove"; readonly result: Result }
  | ({ readonly action: "write"; readonly result: Result } & Draft<Entry>);

/** The result of {@link CommitLoop.change}. */
export type Changed<Entry, Result> =
  /** `known`: the record after the change; `undefined` if it was removed. */
  | { readonly status: "ok"; readonly result: Result; readonly known: Known<Entry> | undefined }
  | { readonly status: "gone" }
  /** The record cannot be decoded and was not changed. */
  | { readonly status: "undecodable" };

/** Options of {@link CommitLoop.change}. */
export interface ChangeOptions<Entry> {
  /** The entry to use for a missing record; a write then inserts it. Without it, a missing record is "gone". */
  readonly absent?: Entry;
  /** Do not wait for pending commits of the record, so that ending a session is not delayed by a slow write. */
  readonly isUrgent?: boolean;
}

/** The commit id of a missing record. */
const NO_COMMIT = "";
const COMMIT_BYTES = 12;
const READS_AT_ONCE = 16;
const ANCESTOR_LENGTH = 8;
const MAX_ANCESTORS = 8;

/**
 * Reads and changes records by compare-and-set: applies a change to the last known version and replaces the record; after
 * a conflict, applies it to the current version and tries again. Every change of every session goes through
 * {@link change}.
 *
 * If the response of a step is lost, the step is sent again with the same commit id. If the record then has that id, or lists it
 * among its ancestors, the first attempt was applied, so nothing (a counter, for example) is applied twice. If that cannot
 * be determined, the commit fails with a `StoreError`.
 *
 * Commits of one record run one after another within the process, each starting from the result of the one before, so that
 * they do not cause conflicts with each other.
 */
export class CommitLoop<Content, Entry> {
  readonly store: Store<Content>;
  readonly clock: StoreClock;
  readonly #calls: StoreCalls<Content>;
  readonly #format: CommitFormat<Content, Entry>;
  /** The last pending commit of each record; resolves with the record after it. */
  readonly #pending = new Map<string, Promise<Known<Entry> | undefined>>();

  constructor(calls: StoreCalls<Content>, format: CommitFormat<Content, Entry>) {
    this.store = calls.store;
    this.clock = calls.clock;
    this.#calls = calls;
    this.#format = format;
  }

  /** @throws StoreError */
  read(key: string): Promise<Known<Entry> | "gone" | "undecodable"> {
    const task = this.#calls.task("read");
    return task.within(this.#read(key, task));
  }

  /**
   * Adds a record.
   *
   * @param make called with the store's time
   * @throws StoreError
   */
  insert(key: string, make: (now: number) => Draft<Entry>): Promise<Known<Entry> | "taken"> {
    const task = this.#calls.task("insert");
    return task.within(this.#insertNew(key, make, task));
  }

  /**
   * Changes a live record.
   *
   * @param known the record as last read, possibly outdated; without it, the record is read first
   * @param apply called with the stored record, and again after every conflict; must have no side effects
   * @throws StoreError; SessionConflictError after 100 conflicts in a row
   */
  change<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
    options: ChangeOptions<Entry> = {},
  ): Promise<Changed<Entry, Result>> {
    const task = this.#calls.task("replace");
    return task.within(this.#change(key, known, apply, options, task));
  }

  /** Removes a record unconditionally. @returns whether it existed @throws StoreError */
  remove(key: string): Promise<boolean> {
    const task = this.#calls.task("remove");
    return task.within(this.#remove(key, task));
  }

  /**
   * Reads those of the records that are live, with at least the first `length` characters of each.
   *
   * @throws StoreError
   */
  readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored<Content>>> {
    const task = this.#calls.task("readMany");
    const read = () => this.store.readMany?.(keys, length) ?? this.#readEach(keys, length, task);
    return task.within(task.ask("readMany", read));
  }

  /** Removes up to `limit` expired records. @returns how many @throws StoreError */
  removeExpired(limit: number): Promise<number> {
    const task = this.#calls.task("removeExpired");
    const remove = async () => (await this.store.removeExpired?.(limit)) ?? 0;
    return task.within(task.ask("removeExpired", remove));
  }

  async #insertNew(
    key: string,
    make: (now: number) => Draft<Entry>,
    task: Task,
  ): Promise<Known<Entry> | "taken"> {
    await this.#calls.clockReady(task);
    const { write, known } = this.#draft(make(this.clock.now()), undefined);
    const sent = performance.now();
    const answer = await task.ask("insert", () => this.#insert(key, write));
    if (answer.status === "ok") return known;
    const stored =
      answer.status === "conflict" ? this.#known(key, "insert", answer.current, sent) : undefined;
    return stored !== undefined && this.#includes(stored, write.commit) ? stored : "taken";
  }

  async #remove(key: string, task: Task): Promise<boolean> {
    const { status } = await task.ask("remove", () => this.store.remove(key));
    if (status !== "ok" && status !== "gone") throw unexpectedAnswer(this.store.name, "remove");
    return status === "ok" || task.isRepeated;
  }

  async #change<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
    { absent, isUrgent = false }: ChangeOptions<Entry>,
    task: Task,
  ): Promise<Changed<Entry, Result>> {
    const before = isUrgent ? undefined : this.#pending.get(key);
    const release = isUrgent ? undefined : this.#enqueue(key);
    // A commit that timed out does not block the next one.
    task.onOver = release;
    let latest: Known<Entry> | undefined;
    try {
      if (before !== undefined) known = (await before) ?? known;
      for (let conflicts = 0; ; await backOff(++conflicts)) {
        if (known === undefined) {
          const found = await this.#read(key, task);
          if (found === "undecodable" || (found === "gone" && absent === undefined)) return { status: found };
          if (found !== "gone") known = found;
          // Without a record, the read did not return the store's time.
          else await this.#calls.clockReady(task);
        }
        task.check();
        const base: Known<Entry> = {
          entry: known === undefined ? absent! : known.entry,
          commit: known === undefined ? NO_COMMIT : known.commit,
          now: this.clock.now(),
        };
        const step = apply(base);
        const { result } = step;
        if (step.action === "leave") return { status: "ok", result, known: (latest = known && base) };
        const draft = step.action === "write" ? this.#draft(step, known && base) : undefined;
        const sent = performance.now();
        task.isRepeated = false;
        const answer = await task.ask("replace", () =>
          draft === undefined
            ? this.store.remove(key, base.commit)
            : base.commit === NO_COMMIT
              ? this.#insert(key, draft.write)
              : this.store.replace(key, base.commit, draft.write),
        );
        if (answer.status === "ok") return { status: "ok", result, known: (latest = draft?.known) };
        known = undefined;
        if (answer.status === "gone") {
          // It existed before, so the attempt whose response was lost has removed it.
          if (task.isRepeated && draft === undefined) return { status: "ok", result, known: undefined };
          if (absent === undefined) return { status: "gone" };
          continue;
        }
        known = this.#known(key, step.action, answer.current, sent);
        if (known === undefined) return { status: "undecodable" };
        if (draft === undefined || step.action !== "write") continue;
        // Drivers also retry by themselves, so this is checked after every conflict.
        const isProof = this.store.commitOf === undefined || !step.isComputed;
        if (isProof && this.#includes(known, draft.write.commit))
          return { status: "ok", result, known: (latest = known) };
        const isSettled = base.commit === NO_COMMIT || this.#includes(known, base.commit);
        if (task.isRepeated && !isSettled) throw unknownOutcome();
      }
    } finally {
      release?.(latest);
    }
  }

  /**
   * Adds a commit to the queue of its record.
   *
   * @returns a function to call with the resulting record when the commit is done
   */
  #enqueue(key: string): (latest?: Known<Entry>) => void {
    let end!: (latest?: Known<Entry>) => void;
    const turn = new Promise<Known<Entry> | undefined>((resolve) => (end = resolve));
    this.#pending.set(key, turn);
    return (latest) => {
      end(latest);
      if (this.#pending.get(key) === turn) this.#pending.delete(key);
    };
  }

  /** Inserts a record, with the result in the form of `replace`. */
  async #insert(key: string, write: Write<Content>): Promise<Replaced<Content>> {
    const isInserted: unknown = await this.store.insert(key, write);
    if (isInserted === true) return { status: "ok" };
    if (isInserted !== false) throw unexpectedAnswer(this.store.name, "insert");
    const current = await this.store.read(key);
    return current === undefined ? { status: "gone" } : { status: "conflict", current };
  }

  async #read(key: string, task: Task): Promise<Known<Entry> | "gone" | "undecodable"> {
    const ready = this.#calls.clockReady(task);
    // Awaited below, unless the read fails first.
    ready?.catch(() => {});
    const sent = performance.now();
    const stored = await task.ask("read", () => this.store.read(key));
    if (ready !== undefined) await ready;
    if (stored === undefined) return "gone";
    const known = this.#known(key, "read", stored, sent);
    if (known === undefined) return "undecodable";
    return this.#format.isLive?.(known) === false ? "gone" : known;
  }

  #draft(
    draft: Draft<Entry>,
    before: Known<Entry> | undefined,
  ): { readonly write: Write<Content>; readonly known: Known<Entry> } {
    const { ancestors } = this.#format;
    let { entry } = draft;
    if (before !== undefined && ancestors !== undefined) {
      const ids = before.commit.slice(0, ANCESTOR_LENGTH) + ancestors.of(before.entry);
      entry = ancestors.with(entry, ids.slice(0, ANCESTOR_LENGTH * MAX_ANCESTORS));
    }
    const text = this.#format.encode(entry, draft.before ?? before?.entry);
    const commit = this.store.commitOf?.(text) ?? newCommit();
    // Another program's format may not preserve the fields exactly, so they are read back from the content.
    if (ancestors === undefined) entry = this.#format.decode("", text) ?? entry;
    return {
      write: { text, commit, lifetime: draft.lifetime, anonymous: draft.anonymous },
      known: { entry, commit, now: this.clock.now() },
    };
  }

  /** Whether the commit with this id wrote the record, or is among its ancestors. */
  #includes({ entry, commit }: Known<Entry>, id: string): boolean {
    if (commit === id) return true;
    const ancestors = this.#format.ancestors?.of(entry) ?? "";
    for (let at = 0; at < ancestors.length; at += ANCESTOR_LENGTH) {
      if (ancestors.startsWith(id.slice(0, ANCESTOR_LENGTH), at)) return true;
    }
    return false;
  }

  /**
   * @throws StoreError if the store returned something that is not a record; treating it as undecodable would make
   * the session anonymous
   */
  #known(key: string, step: string, stored: Stored<Content>, sent: number): Known<Entry> | undefined {
    if (typeof stored?.commit !== "string" || stored.text === undefined)
      throw unexpectedAnswer(this.store.name, step);
    if (stored.now !== undefined) this.clock.observe(stored.now, sent);
    const entry = this.#format.decode(key, stored.text);
    return entry && { entry, commit: stored.commit, now: stored.now ?? this.clock.now() };
  }

  async #readEach(
    keys: readonly string[],
    length: number,
    task: Task,
  ): Promise<Map<string, Stored<Content>>> {
    const found = new Map<string, Stored<Content>>();
    for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
      task.check();
      const batch = keys.slice(at, at + READS_AT_ONCE);
      const stored = await Promise.all(batch.map((key) => this.store.read(key)));
      for (const [index, one] of stored.entries())
        if (one !== undefined) found.set(batch[index]!, headOf(one, length));
    }
    return found;
  }
}

function newCommit(): string {
  return pooledRandom(COMMIT_BYTES).toString("base64url");
}

function unknownOutcome(): StoreError {
  return new StoreError(
    "unavailable",
    "The connection to the session store was lost, and the record has changed too often since to determine whether this change was applied.",
  );
}
