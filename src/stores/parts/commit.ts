import { StoreError } from "../../errors.ts";
import { backOff, Task, unknownAnswer } from "./attempts.ts";
import { pooledRandom } from "./random.ts";
import type { StoreClock } from "./store-clock.ts";
import type { Replaced, Store, Stored, Write } from "./store.ts";
import { headOf } from "./values.ts";

/** How records of one kind are written down. */
export interface CommitFormat<Content, Entry> {
  /** `undefined` if it cannot be read. */
  decode(key: string, content: Content): Entry | undefined;
  /** @param before what it replaces */
  encode(entry: Entry, before: Entry | undefined): Content;
  /** Where records can hold the ids of the commits before the last one: those in an entry, and an entry with others. */
  readonly ancestors?: {
    of(entry: Entry): string;
    with(entry: Entry, ancestors: string): Entry;
  };
}

/** {@link CommitFormat.ancestors} of entries that have them as `ancestors`. */
export const ANCESTORS = {
  of: (entry: { readonly ancestors: string }) => entry.ancestors,
  with: <Entry>(entry: Entry, ancestors: string): Entry => ({ ...entry, ancestors }),
};

/** A record as this process knows it; it may have changed since. */
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
  /** What it was made from, if not from the record it replaces. */
  readonly before?: Entry | undefined;
  /**
   * It was computed from what was stored, so another writer may have written the very same: where commit ids are derived
   * from contents, finding it proves nothing.
   */
  readonly isComputed?: boolean | undefined;
}

/** What is to become of a record: written, removed, or left as it is. */
export type Step<Entry, Result> =
  | { readonly action: "leave" | "remove"; readonly result: Result }
  | ({ readonly action: "write"; readonly result: Result } & Draft<Entry>);

/** What became of it. */
export type Changed<Entry, Result> =
  /** `known`: the record as it is now; `undefined` once it was removed. */
  | { readonly status: "ok"; readonly result: Result; readonly known: Known<Entry> | undefined }
  | { readonly status: "gone" }
  /** There is a record that cannot be read; it was left as it is. */
  | { readonly status: "undecodable" };

export interface CommitOptions {
  /** Seconds that a read or a commit may take, waiting and retries included. Default 2. */
  readonly seconds?: number | undefined;
  /** Called for each read or commit that failed, before its caller is told. */
  readonly onFailure?: ((step: string, error: StoreError) => void) | undefined;
}

/** How {@link CommitLoop.change} goes about it. */
export interface ChangeOptions<Entry> {
  /** What a missing record counts as; a write then inserts it. Left out, a missing record is "gone". */
  readonly absent?: Entry;
  /** Not to wait for commits of the record that are under way: what ends a session does not queue behind a slow write. */
  readonly isUrgent?: boolean;
}

const SECONDS = 2;
/** The commit id of what is not there. */
const NONE = "";
const COMMIT_BYTES = 12;
const READS_AT_ONCE = 16;
const ANCESTOR_LENGTH = 8;
const MAX_ANCESTORS = 8;

/**
 * The one loop that changes records: read what is known → apply → replace → after a conflict apply again to what is there
 * now. Every change of every session, own or shared, goes through {@link change}.
 *
 * A step whose answer was lost is repeated with the same commit id, and that id tells what became of it: if the record has it, or
 * names it among its ancestors, the step was done. So nothing is applied twice, counters included. Where that cannot
 * be told, the commit fails with a `StoreError`.
 *
 * Commits of one record queue within the process, and each takes what the one before it left: requests of one visitor do not
 * fight each other with conflicts.
 */
export class CommitLoop<Content, Entry> {
  readonly store: Store<Content>;
  readonly clock: StoreClock;
  readonly #format: CommitFormat<Content, Entry>;
  readonly #seconds: number;
  readonly #onFailure: CommitOptions["onFailure"];
  /** The last commit of each record that is under way, with what it leaves. */
  readonly #turns = new Map<string, Promise<Known<Entry> | undefined>>();

  constructor(
    store: Store<Content>,
    format: CommitFormat<Content, Entry>,
    clock: StoreClock,
    { seconds = SECONDS, onFailure }: CommitOptions = {},
  ) {
    this.store = store;
    this.clock = clock;
    this.#format = format;
    this.#seconds = seconds;
    this.#onFailure = onFailure;
  }

  /** @param isLive what it says no to is gone @throws StoreError */
  read(
    key: string,
    isLive?: (known: Known<Entry>) => boolean,
  ): Promise<Known<Entry> | "gone" | "undecodable"> {
    const task = this.#task("read");
    return task.within(this.#read(key, task, isLive));
  }

  /**
   * Adds a record.
   *
   * @param make called with the store's time
   * @throws StoreError
   */
  insert(key: string, make: (now: number) => Draft<Entry>): Promise<Known<Entry> | "taken"> {
    const task = this.#task("insert");
    return task.within(this.#insertNew(key, make, task));
  }

  /**
   * Changes a live record.
   *
   * @param known what was read of it, up to date or not; without it, it is read first
   * @param apply called with the record as it is stored, again after every conflict; must not do anything else
   * @throws StoreError; SessionConflictError if other writers were faster 100 times in a row
   */
  change<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
    options: ChangeOptions<Entry> = {},
  ): Promise<Changed<Entry, Result>> {
    const task = this.#task("replace");
    return task.within(this.#change(key, known, apply, options, task));
  }

  /** Removes a record, whatever it holds. @returns whether there was one @throws StoreError */
  remove(key: string): Promise<boolean> {
    const task = this.#task("remove");
    return task.within(this.#remove(key, task));
  }

  /**
   * The live ones of these records, with at least `length` characters of each.
   *
   * @throws StoreError
   */
  readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored<Content>>> {
    const task = this.#task("readMany");
    const read = () => this.store.readMany?.(keys, length) ?? this.#readEach(keys, length, task);
    return task.within(task.ask("readMany", read));
  }

  /** Removes up to `limit` expired records. @returns how many @throws StoreError */
  removeExpired(limit: number): Promise<number> {
    const task = this.#task("removeExpired");
    const remove = async () => (await this.store.removeExpired?.(limit)) ?? 0;
    return task.within(task.ask("removeExpired", remove));
  }

  #task(name: string): Task {
    return new Task(this.store.name, name, this.#seconds, this.#onFailure);
  }

  async #insertNew(
    key: string,
    make: (now: number) => Draft<Entry>,
    task: Task,
  ): Promise<Known<Entry> | "taken"> {
    await this.#clockReady(task);
    const { write, known } = this.#draft(make(this.clock.now()), undefined);
    const sent = performance.now();
    const answer = await task.ask("insert", () => this.#insert(key, write));
    if (answer.status === "ok") return known;
    const stored =
      answer.status === "conflict" ? this.#known(key, "insert", answer.current, sent) : undefined;
    return stored !== undefined && this.#isDone(stored, write.commit) ? stored : "taken";
  }

  async #remove(key: string, task: Task): Promise<boolean> {
    const { status } = await task.ask("remove", () => this.store.remove(key));
    if (status !== "ok" && status !== "gone") throw unknownAnswer(this.store.name, "remove");
    return status === "ok" || task.isRepeated;
  }

  async #change<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
    { absent, isUrgent = false }: ChangeOptions<Entry>,
    task: Task,
  ): Promise<Changed<Entry, Result>> {
    const before = isUrgent ? undefined : this.#turns.get(key);
    const leave = isUrgent ? undefined : this.#queue(key);
    // A commit that ran out of time does not block the next one.
    task.onOver = leave;
    let left: Known<Entry> | undefined;
    try {
      if (before !== undefined) known = (await before) ?? known;
      for (let conflicts = 0; ; await backOff(++conflicts)) {
        if (known === undefined) {
          const found = await this.#read(key, task);
          if (found === "undecodable" || (found === "gone" && absent === undefined)) return { status: found };
          if (found !== "gone") known = found;
          // Where nothing was read, no read has told the time.
          else await this.#clockReady(task);
        }
        task.check();
        const base: Known<Entry> = {
          entry: known === undefined ? absent! : known.entry,
          commit: known === undefined ? NONE : known.commit,
          now: this.clock.now(),
        };
        const step = apply(base);
        const { result } = step;
        if (step.action === "leave") return { status: "ok", result, known: (left = known && base) };
        const draft = step.action === "write" ? this.#draft(step, known && base) : undefined;
        const sent = performance.now();
        task.isRepeated = false;
        const answer = await task.ask("replace", () =>
          draft === undefined
            ? this.store.remove(key, base.commit)
            : base.commit === NONE
              ? this.#insert(key, draft.write)
              : this.store.replace(key, base.commit, draft.write),
        );
        if (answer.status === "ok") return { status: "ok", result, known: (left = draft?.known) };
        known = undefined;
        if (answer.status === "gone") {
          // It was there until the attempt whose answer was lost.
          if (task.isRepeated && draft === undefined) return { status: "ok", result, known: undefined };
          if (absent === undefined) return { status: "gone" };
          continue;
        }
        known = this.#known(key, step.action, answer.current, sent);
        if (known === undefined) return { status: "undecodable" };
        if (draft === undefined || step.action !== "write") continue;
        // Drivers repeat by themselves what they got no answer to, so this is looked at after every conflict.
        const isProof = this.store.commitOf === undefined || !step.isComputed;
        if (isProof && this.#isDone(known, draft.write.commit))
          return { status: "ok", result, known: (left = known) };
        const isSettled = base.commit === NONE || this.#isDone(known, base.commit);
        if (task.isRepeated && !isSettled) throw undecidable();
      }
    } finally {
      leave?.(left);
    }
  }

  /** Queues a commit. @returns to be called with what it leaves, once it is over */
  #queue(key: string): (left?: Known<Entry>) => void {
    let end!: (left?: Known<Entry>) => void;
    const turn = new Promise<Known<Entry> | undefined>((resolve) => (end = resolve));
    this.#turns.set(key, turn);
    return (left) => {
      end(left);
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    };
  }

  /** Inserts as if it replaced nothing. */
  async #insert(key: string, write: Write<Content>): Promise<Replaced<Content>> {
    const isInserted: unknown = await this.store.insert(key, write);
    if (isInserted === true) return { status: "ok" };
    if (isInserted !== false) throw unknownAnswer(this.store.name, "insert");
    const current = await this.store.read(key);
    return current === undefined ? { status: "gone" } : { status: "conflict", current };
  }

  async #read(
    key: string,
    task: Task,
    isLive?: (known: Known<Entry>) => boolean,
  ): Promise<Known<Entry> | "gone" | "undecodable"> {
    const ready = this.#clockReady(task);
    // Awaited below, unless the read fails before.
    ready?.catch(() => {});
    const sent = performance.now();
    const stored = await task.ask("read", () => this.store.read(key));
    if (ready !== undefined) await ready;
    if (stored === undefined) return "gone";
    const known = this.#known(key, "read", stored, sent);
    if (known === undefined) return "undecodable";
    return isLive?.(known) === false ? "gone" : known;
  }

  /** Resolves once the clock can be read; `undefined` if it can be already. */
  #clockReady(task: Task): Promise<unknown> | undefined {
    const ready = this.clock.ready();
    // What is under way is asked for once; again only after it failed.
    return ready && task.ask("now", async () => ready.catch(() => this.clock.ready()));
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
    // What another program's format cannot tell apart in fields, it can in the content.
    if (ancestors === undefined) entry = this.#format.decode("", text) ?? entry;
    return {
      write: { text, commit, lifetime: draft.lifetime, anonymous: draft.anonymous },
      known: { entry, commit, now: this.clock.now() },
    };
  }

  /** Whether this commit wrote the record, or is among its ancestors. */
  #isDone({ entry, commit }: Known<Entry>, id: string): boolean {
    if (commit === id) return true;
    const ancestors = this.#format.ancestors?.of(entry) ?? "";
    for (let at = 0; at < ancestors.length; at += ANCESTOR_LENGTH) {
      if (ancestors.startsWith(id.slice(0, ANCESTOR_LENGTH), at)) return true;
    }
    return false;
  }

  /** @throws StoreError for what is no record at all: a session that cannot be read would be a stranger for ever */
  #known(key: string, step: string, stored: Stored<Content>, sent: number): Known<Entry> | undefined {
    if (typeof stored?.commit !== "string" || stored.text === undefined)
      throw unknownAnswer(this.store.name, step);
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

function undecidable(): StoreError {
  return new StoreError(
    "unavailable",
    "The connection to the session store broke, and so many others wrote since that it cannot be told whether this change was made.",
  );
}
