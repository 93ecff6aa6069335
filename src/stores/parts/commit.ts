import { setTimeout as sleep } from "node:timers/promises";
import { SessionConflictError, StoreError } from "../../errors.ts";
import { pooledRandom } from "./random.ts";
import { inTime, type TimeLimit } from "./in-time.ts";
import { storeError, unknownAnswer } from "./store-error.ts";
import type { StoreClock } from "./store-clock.ts";
import type { Replaced, Store, Stored, Write } from "./store.ts";

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

const SECONDS = 2;
/** Times that a step is tried again after an error. */
const RETRIES = 2;
const MAX_CONFLICTS = 100;
/** Milliseconds. */
const LONGEST_WAIT = 20;
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
  /** The last commit of each record that is under way. */
  readonly #turns = new Map<string, Turn<Known<Entry>>>();

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
    return this.#within("read", (time) => this.#read(key, time, isLive));
  }

  /**
   * Adds a record.
   *
   * @param make called with the store's time
   * @throws StoreError
   */
  insert(key: string, make: (now: number) => Draft<Entry>): Promise<Known<Entry> | "taken"> {
    return this.#within("insert", async (time) => {
      await this.#clockReady(time);
      const { write, known } = this.#draft(make(this.clock.now()), undefined);
      const { answer } = await this.#ask("insert", time, () => this.store.insert(key, write));
      if (answer === true) return known;
      if (answer !== false) throw unknownAnswer(this.store.name, "insert");
      const stored = await this.#read(key, time);
      return typeof stored === "object" && this.#isDone(stored, write.commit) ? stored : "taken";
    });
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
  ): Promise<Changed<Entry, Result>> {
    return this.#within("replace", (time) => this.#change(key, known, apply, time, true));
  }

  /** The same without waiting for commits of the record that are under way: what ends a session does not queue behind a slow write. */
  changeAtOnce<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
  ): Promise<Changed<Entry, Result>> {
    return this.#within("replace", (time) => this.#change(key, known, apply, time, false));
  }

  /** Removes a record, whatever it holds. @returns whether there was one @throws StoreError */
  remove(key: string): Promise<boolean> {
    return this.#within("remove", async (time) => {
      const { answer, isRepeated } = await this.#ask("remove", time, () => this.store.remove(key));
      if (answer.status !== "ok" && answer.status !== "gone") throw unknownAnswer(this.store.name, "remove");
      return answer.status === "ok" || isRepeated;
    });
  }

  /**
   * The live ones of these records, with at least `length` characters of each.
   *
   * @throws StoreError
   */
  readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored<Content>>> {
    return this.#within("readMany", async (time) => {
      const read = () => this.store.readMany?.(keys, length) ?? this.#readEach(keys, time);
      return (await this.#ask("readMany", time, read)).answer;
    });
  }

  /** Removes up to `limit` expired records. @returns how many @throws StoreError */
  removeExpired(limit: number): Promise<number> {
    return this.#within("removeExpired", async (time) => {
      const remove = async () => (await this.store.removeExpired?.(limit)) ?? 0;
      return (await this.#ask("removeExpired", time, remove)).answer;
    });
  }

  /** @throws StoreError "timeout", or what the work rejects with */
  #within<Result>(step: string, work: (time: TimeLimit) => Promise<Result>): Promise<Result> {
    return inTime(this.store.name, step, this.#seconds, work, this.#onFailure);
  }

  async #change<Result>(
    key: string,
    known: Known<Entry> | undefined,
    apply: (known: Known<Entry>) => Step<Entry, Result>,
    time: TimeLimit,
    isQueued: boolean,
  ): Promise<Changed<Entry, Result>> {
    const before = isQueued ? this.#turns.get(key) : undefined;
    const turn = new Turn<Known<Entry>>();
    if (isQueued) this.#turns.set(key, turn);
    const leave = (left?: Known<Entry>) => {
      turn.end(left);
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    };
    // A commit that ran out of time does not block the next one.
    time.onOver = leave;
    let left: Known<Entry> | undefined;
    try {
      if (before !== undefined) known = (await before.ended()) ?? known;
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        if (known === undefined) {
          const found = await this.#read(key, time);
          if (typeof found === "string") return { status: found };
          known = found;
        }
        time.check();
        const base: Known<Entry> = { entry: known.entry, commit: known.commit, now: this.clock.now() };
        const step = apply(base);
        const { result } = step;
        if (step.action === "leave") return { status: "ok", result, known: (left = base) };
        const draft = step.action === "write" ? this.#draft(step, base) : undefined;
        const act = () =>
          draft === undefined
            ? this.store.remove(key, base.commit)
            : this.store.replace(key, base.commit, draft.write);
        let answer: Replaced<Content>;
        let isRepeated = false;
        try {
          answer = await act();
        } catch (error) {
          isRepeated = true;
          answer = await this.#again(step.action, time, error, act);
        }
        if (answer.status === "ok") return { status: "ok", result, known: (left = draft?.known) };
        if (answer.status === "gone") {
          // It was there until the attempt whose answer was lost.
          const isOurs = isRepeated && draft === undefined;
          return isOurs ? { status: "ok", result, known: undefined } : { status: "gone" };
        }
        known = this.#known(key, step.action, answer.current);
        if (known === undefined) return { status: "undecodable" };
        if (draft !== undefined && step.action === "write") {
          // Drivers repeat by themselves what they got no answer to, so this is looked at after every conflict.
          const isProof = this.store.commitOf === undefined || !step.isComputed;
          if (isProof && this.#isDone(known, draft.write.commit))
            return { status: "ok", result, known: (left = known) };
          if (isRepeated && !this.#isDone(known, base.commit)) throw undecidable();
        }
        // The first retry goes out at once; then random waits spread the crowd.
        if (conflicts > 0) await sleep(Math.random() * Math.min(LONGEST_WAIT, 2 ** conflicts));
      }
      throw new SessionConflictError(MAX_CONFLICTS);
    } finally {
      leave(left);
    }
  }

  async #read(
    key: string,
    time: TimeLimit,
    isLive?: (known: Known<Entry>) => boolean,
  ): Promise<Known<Entry> | "gone" | "undecodable"> {
    const ready = this.#clockReady(time);
    // Awaited below, unless the read fails before.
    ready?.catch(() => {});
    let stored: Stored<Content> | undefined;
    try {
      stored = await this.store.read(key);
    } catch (error) {
      stored = await this.#again("read", time, error, () => this.store.read(key));
    }
    if (ready !== undefined) await ready;
    if (stored === undefined) return "gone";
    const known = this.#known(key, "read", stored);
    if (known === undefined) return "undecodable";
    return isLive?.(known) === false ? "gone" : known;
  }

  /** Resolves once the clock can be read; `undefined` if it can be already. */
  #clockReady(time: TimeLimit): Promise<unknown> | undefined {
    const ready = this.clock.ready();
    // What is under way is asked for once; again only after it failed.
    return ready && this.#ask("now", time, async () => ready.catch(() => this.clock.ready()));
  }

  /** Asks the store, and again if the answer did not come. */
  async #ask<Answer>(
    step: string,
    time: TimeLimit,
    act: () => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly isRepeated: boolean }> {
    try {
      return { answer: await act(), isRepeated: false };
    } catch (error) {
      return { answer: await this.#again(step, time, error, act), isRepeated: true };
    }
  }

  /** Asks once more, and another time, after an error that leaves it open what became of the step. */
  async #again<Answer>(
    step: string,
    time: TimeLimit,
    error: unknown,
    act: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let retries = 0; ; retries++) {
      const failure = storeError(this.store.name, step, error);
      const isLost = failure.reason === "unavailable" || failure.reason === "timeout";
      if (!isLost || retries === RETRIES || time.isOver) throw failure;
      if (retries > 0) await sleep(Math.random() * LONGEST_WAIT);
      time.check();
      try {
        return await act();
      } catch (thrown) {
        error = thrown;
      }
    }
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
  #known(key: string, step: string, stored: Stored<Content>): Known<Entry> | undefined {
    if (typeof stored?.commit !== "string" || stored.text === undefined)
      throw unknownAnswer(this.store.name, step);
    if (stored.now !== undefined) this.clock.observe(stored.now);
    const entry = this.#format.decode(key, stored.text);
    return entry && { entry, commit: stored.commit, now: stored.now ?? this.clock.now() };
  }

  async #readEach(keys: readonly string[], time: TimeLimit): Promise<Map<string, Stored<Content>>> {
    const found = new Map<string, Stored<Content>>();
    for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
      time.check();
      const batch = keys.slice(at, at + READS_AT_ONCE);
      const stored = await Promise.all(batch.map((key) => this.store.read(key)));
      for (const [index, one] of stored.entries()) if (one !== undefined) found.set(batch[index]!, one);
    }
    return found;
  }
}

/** A commit that others may wait for; most have none that does. */
class Turn<Left> {
  #isEnded = false;
  #left: Left | undefined;
  #waiting: Promise<Left | undefined> | undefined;
  #tell: ((left: Left | undefined) => void) | undefined;

  /** Resolves with what it left. */
  ended(): Promise<Left | undefined> {
    if (this.#isEnded) return Promise.resolve(this.#left);
    this.#waiting ??= new Promise((resolve) => (this.#tell = resolve));
    return this.#waiting;
  }

  end(left: Left | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#left = left;
    this.#tell?.(left);
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
