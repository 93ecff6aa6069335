import { SessionConflictError } from "../errors.ts";
import { called, Turns, type ExpressSessionBackend } from "./express-session/calls.ts";
import {
  loadedOf,
  OneRecord,
  unsupported,
  UNREADABLE,
  type ExpressRecord,
  type Loaded,
} from "./express-session/record.ts";
import { LocalStore } from "./local-store.ts";
import type { RecordLimits } from "./limits.ts";
import type { Change, NewSession, Rotation, SessionStore, StoreTraits, Touch } from "./verbs.ts";
import { storeError } from "./store-error.ts";

export type { ExpressSessionBackend } from "./express-session/calls.ts";
export type { ExpressRecord } from "./express-session/record.ts";

/** A write that is to happen only if nobody else wrote meanwhile. */
export interface ExpressCompareAndSet {
  readonly sid: string;
  /** The `hipflask.version` that must be stored; null: there must be no record. */
  readonly version: string | null;
  /** What to store, as the store's `set` would; null: remove the record. */
  readonly next: ExpressRecord | null;
}

/** Options of {@link expressSessionStore}. */
export interface ExpressSessionStoreOptions {
  /**
   * Writes past the store, in one atomic step of its engine, and tells whether it did. With it the store is atomic, also
   * across processes. Default none: verbs take turns within this process, and the store is declared non-atomic.
   */
  readonly compareAndSet?: ((write: ExpressCompareAndSet) => Promise<boolean>) | undefined;
  /** How large one record may grow. Default 1000 fields and 256 KiB. */
  readonly limits?: RecordLimits | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const ATTEMPTS = 100;

/**
 * Any store of express-session (`connect-redis`, `connect-pg-simple`, `memorystore`, …) for sessions of ours, with our own
 * cookie. Such a store only gets and sets whole sessions: within one process no write is lost and no session revived,
 * among several both can happen, unless `compareAndSet` teaches it better. It knows no owners, so `session.owner` and
 * lists need one of our own stores.
 *
 * @example
 * ```ts
 * import { sessions } from "hipflask/express";
 * import { expressSessionStore, type ExpressSessionBackend } from "hipflask/stores/express-session";
 *
 * export const withStore = (store: ExpressSessionBackend) =>
 *   sessions({ secretKey: "dev", store: expressSessionStore(store) });
 * ```
 */
export function expressSessionStore(
  store: ExpressSessionBackend,
  options: ExpressSessionStoreOptions = {},
): SessionStore {
  return new ExpressSessionStore(store, options);
}

class ExpressSessionStore implements SessionStore {
  readonly traits: StoreTraits;
  readonly #backend: ExpressSessionBackend;
  readonly #compareAndSet: ExpressSessionStoreOptions["compareAndSet"];
  readonly #limits: RecordLimits | undefined;
  readonly #now: () => number;
  readonly #turns = new Turns();

  constructor(backend: ExpressSessionBackend, options: ExpressSessionStoreOptions) {
    this.#backend = backend;
    this.#compareAndSet = options.compareAndSet;
    this.#limits = options.limits;
    this.#now = options.now ?? Date.now;
    this.traits = { atomic: options.compareAndSet !== undefined, indexed: false };
  }

  create(session: NewSession) {
    return this.#write(session.selector, (store) => store.create(session));
  }

  async read(selector: string) {
    return this.#on(new OneRecord(selector, await this.#load(selector), this.#now())).read(selector);
  }

  patch(selector: string, presented: string, change: Change) {
    return this.#write(selector, (store) => store.patch(selector, presented, change));
  }

  touch(selector: string, presented: string, touch: Touch) {
    return this.#write(selector, (store) => store.touch(selector, presented, touch));
  }

  rotate(selector: string, presented: string, rotation: Rotation) {
    return this.#write(selector, (store) => store.rotate(selector, presented, rotation));
  }

  destroy(selector: string) {
    return this.#write(selector, (store) => store.destroy(selector));
  }

  async list(): Promise<never> {
    throw unsupported();
  }

  async destroyAll(): Promise<never> {
    throw unsupported();
  }

  /** Such stores remove what has expired by themselves, if at all. */
  async deleteExpired(): Promise<number> {
    return 0;
  }

  async live(selectors: readonly string[]) {
    const answers = await Promise.all(selectors.map((selector) => this.read(selector)));
    return selectors.filter((_, at) => answers[at]!.status === "ok");
  }

  /** Reads, applies the verb to what was read, and writes; nobody in this process comes in between. */
  #write<Answer>(selector: string, verb: (store: LocalStore) => Promise<Answer>): Promise<Answer> {
    return this.#turns.take(selector, async () => {
      for (let tried = 0; tried < ATTEMPTS; tried++) {
        const loaded = await this.#load(selector);
        const table = new OneRecord(selector, loaded, this.#now());
        const answer = await verb(this.#on(table));
        if (table.next === undefined || (await this.#store(selector, loaded, table.next))) return answer;
      }
      throw new SessionConflictError(ATTEMPTS);
    });
  }

  #on(table: OneRecord): LocalStore {
    const run = async <Result>(work: (tables: OneRecord) => Result) => work(table);
    return new LocalStore({ read: run, write: run }, this.#now, this.#limits);
  }

  async #load(sid: string): Promise<Loaded> {
    try {
      return loadedOf(await called((done) => this.#backend.get(sid, done)));
    } catch (error) {
      // As express-session has it: a store of files says this of a session that is not there.
      if ((error as { code?: unknown }).code === "ENOENT") return loadedOf(null);
      if (error instanceof SyntaxError) return UNREADABLE;
      throw storeError("get", error);
    }
  }

  /** @returns false if somebody else was faster */
  async #store(sid: string, { version }: Loaded, next: ExpressRecord | null): Promise<boolean> {
    try {
      // A record that nobody can read has no version to compare; all that happens to it is its removal.
      const isUnreadable = version === null && next === null;
      if (this.#compareAndSet && !isUnreadable) return await this.#compareAndSet({ sid, version, next });
      if (next === null) await called((done) => this.#backend.destroy(sid, done));
      else await called((done) => this.#backend.set(sid, next, done));
      return true;
    } catch (error) {
      throw storeError(next === null ? "destroy" : "set", error);
    }
  }
}
