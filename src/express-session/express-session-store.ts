import { checkOptions } from "../check-options.ts";
import { backOff } from "../stores/parts/store-calls.ts";
import { promised } from "../stores/parts/callback-stores.ts";
import { has, refusal } from "../stores/parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "../stores/parts/store.ts";
import { OK, conditionFailed } from "../stores/parts/values.ts";

/** The methods used of a store of express-session. */
export interface ExpressSessionBackend {
  // oxlint-disable-next-line typescript/no-explicit-any -- stores type their sessions and errors in many ways
  get(sid: string, callback: (error: any, session?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  set(sid: string, session: any, callback: (error?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  destroy(sid: string, callback: (error?: any) => void): unknown;
}

/** A record as express-session's stores keep it: the store takes the lifetime from `cookie`; the rest is ours. */
export interface ExpressRecord {
  readonly cookie: {
    readonly originalMaxAge: number;
    readonly maxAge: number;
    readonly expires: Date;
    readonly httpOnly: true;
    readonly path: "/";
  };
  readonly hipflask: {
    /** The commit that wrote it. */
    readonly commit: string;
    readonly text: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
  };
}

/** A conditional write. */
export interface ExpressCompareAndSet {
  readonly sid: string;
  /** The `hipflask.commit` that must be stored; null: there must be no record. */
  readonly expected: string | null;
  /** The record to store, as the store's `set` would; null: remove the record. */
  readonly next: ExpressRecord | null;
}

/** Options of {@link expressSessionStore}. */
export interface ExpressSessionStoreOptions {
  /**
   * Writes directly to the store's engine, in one atomic operation, and resolves with whether it did. With it the store is atomic,
   * also across processes. Default none: writes of one session are queued within this process, and the store is not atomic.
   */
  readonly compareAndSet?: ((write: ExpressCompareAndSet) => Promise<boolean>) | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The commit id of a record that is not ours or cannot be decoded. */
const FOREIGN = "";

/**
 * Keeps our sessions, with our own cookie, in any store of express-session (`connect-redis`, `connect-pg-simple`,
 * `memorystore`, …). Such a store only reads and overwrites whole sessions. Within one process, no write is lost and no
 * session is revived; with several processes, both can happen, unless you pass `compareAndSet`. Without it, sessions cannot
 * have an owner.
 *
 * @throws ConfigError for anything else
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
): Store {
  const isStore = ["get", "set", "destroy"].every(
    (name) => typeof (store as unknown as Record<string, unknown> | undefined)?.[name] === "function",
  );
  // A Redis client has these three methods too.
  if (!isStore || has(store, "hset")) {
    throw refusal("expressSessionStore", "a store of express-session, as new RedisStore({ client })", store);
  }
  checkOptions("expressSessionStore", options, { compareAndSet: "function", now: "function" });
  return new ExpressSessionStore(store, options);
}

class ExpressSessionStore implements Store {
  readonly name = "The express-session store";
  readonly atomic: boolean;
  readonly #backend: ExpressSessionBackend;
  readonly #compareAndSet: ExpressSessionStoreOptions["compareAndSet"];
  readonly #now: () => number;
  readonly #turns = new Turns();

  constructor(
    backend: ExpressSessionBackend,
    { compareAndSet, now = systemClock }: ExpressSessionStoreOptions,
  ) {
    this.#backend = backend;
    this.#compareAndSet = compareAndSet;
    this.#now = now;
    this.atomic = compareAndSet !== undefined;
  }

  now(): number {
    return this.#now();
  }

  async read(key: string): Promise<Stored | undefined> {
    const loaded = await this.#load(key);
    return loaded === undefined || loaded.expiresAt <= this.#now() ? undefined : loaded;
  }

  insert(key: string, write: Write): Promise<boolean> {
    return this.#turns.run(key, async () => {
      const loaded = await this.#load(key);
      if (loaded !== undefined && loaded.expiresAt > this.#now()) return false;
      return this.#store(key, loaded?.commit ?? null, this.#recordOf(write));
    });
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return this.#change(key, expected, this.#recordOf(write));
  }

  remove(key: string, expected?: string): Promise<Replaced> {
    return this.#change(key, expected, null);
  }

  /** Reads, compares and writes. Steps of this process on the same key are queued. */
  #change(key: string, expected: string | undefined, next: ExpressRecord | null): Promise<Replaced> {
    return this.#turns.run(key, async () => {
      for (let conflicts = 0; ; await backOff(++conflicts)) {
        const current = await this.read(key);
        if (current === undefined || (expected !== undefined && current.commit !== expected))
          return conditionFailed(current);
        if (await this.#store(key, current.commit, next)) return OK;
      }
    });
  }

  #recordOf({ text, commit, lifetime }: Write): ExpressRecord {
    const maxAge = Math.ceil(lifetime * 1000);
    const expiresAt = this.#now() + maxAge;
    return {
      cookie: { originalMaxAge: maxAge, maxAge, expires: new Date(expiresAt), httpOnly: true, path: "/" },
      hipflask: { commit, text, expiresAt },
    };
  }

  async #load(sid: string): Promise<(Stored & { readonly expiresAt: number }) | undefined> {
    try {
      return loadedOf(await promised("get", (done) => this.#backend.get(sid, done)));
    } catch (error) {
      // As in express-session: a file store has this error for a missing session.
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      if (error instanceof SyntaxError) return loadedOf({});
      throw error;
    }
  }

  /** @returns false after a conflict with another process */
  async #store(sid: string, expected: string | null, next: ExpressRecord | null): Promise<boolean> {
    // A record that is not ours has no commit id to compare; it is only ever removed.
    if (this.#compareAndSet && expected !== FOREIGN) return this.#compareAndSet({ sid, expected, next });
    if (next === null) await promised("destroy", (done) => this.#backend.destroy(sid, done));
    else await promised("set", (done) => this.#backend.set(sid, next, done));
    return true;
  }
}

function loadedOf(session: unknown): (Stored & { readonly expiresAt: number }) | undefined {
  if (session === null || session === undefined) return undefined;
  const { hipflask } = session as { hipflask?: Partial<ExpressRecord["hipflask"]> };
  const { commit, text, expiresAt } = hipflask ?? {};
  return typeof commit === "string" && typeof text === "string" && typeof expiresAt === "number"
    ? { commit, text, expiresAt }
    : { commit: FOREIGN, text: "", expiresAt: Infinity };
}

/** Runs tasks of the same name one after another, and tasks of different names in parallel. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
