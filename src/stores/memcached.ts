import { checkOptions } from "../check-options.ts";
import { addressOf } from "./parts/address.ts";
import { refusal } from "./parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { unexpectedAnswer } from "./parts/driver-errors.ts";
import { valueWithExpiry, GONE, OK, conditionFailed, unexpired } from "./parts/values.ts";

/** The methods used of a client of the `memcached` package. */
export interface MemcachedClient {
  get(key: string, callback: Callback<unknown>): void;
  /** Resolves with `{ [key]: value, cas: token }`. */
  gets(key: string, callback: Callback<unknown>): void;
  cas(key: string, value: string, cas: string, lifetime: number, callback: Callback<boolean>): void;
  add(key: string, value: string, lifetime: number, callback: Callback<boolean>): void;
  del(key: string, callback: Callback<boolean>): void;
}

/** A Node-style callback. */
export type Callback<Result> = (error: unknown, result: Result) => void;

/** Options of {@link memcachedStore}. */
export interface MemcachedStoreOptions {
  /** Prefix of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** Maximum lifetime in seconds; Memcached treats larger numbers as a Unix time. */
const LONGEST_LIFETIME = 30 * 24 * 60 * 60;
/** Replaces a record that is removed conditionally, since Memcached's `delete` has no condition. */
const REMOVED = "-";

/**
 * Keeps sessions in Memcached, which are replaced by its `cas` command. Takes a client of the `memcached` package; closing it is
 * up to you.
 *
 * Memcached is a cache: it loses all records when it restarts and evicts records when its memory is full, which logs users out.
 * It never revives a session. A record may have 1 MB (`-I`), and expires after at most 30 days without activity. Use **one**
 * server: a client that fails over to another server finds outdated records there. The client's pool has 10 connections
 * unless `poolSize` is larger; with `retries: 0`, a request that finds none free fails.
 *
 * @throws ConfigError for a client without `gets` and `cas`
 * @example
 * ```ts no-check
 * import Memcached from "memcached";
 * import { memcachedStore } from "hipflask/stores/memcached";
 * export const store = memcachedStore(new Memcached("127.0.0.1:11211", { retries: 0, remove: false, poolSize: 100 }));
 * ```
 */
export function memcachedStore(client: MemcachedClient, options: MemcachedStoreOptions = {}): Store {
  if (typeof client?.gets !== "function" || typeof client.cas !== "function") {
    throw refusal(
      "memcachedStore",
      'a client of the memcached package: new Memcached("127.0.0.1:11211")',
      client,
    );
  }
  checkOptions("memcachedStore", options, { prefix: "string", now: "function" });
  return new MemcachedStore(client, options);
}

class MemcachedStore implements Store {
  readonly name: string;
  readonly atomic = true;
  readonly now: () => number;
  readonly #client: MemcachedClient;
  readonly #prefix: string;

  constructor(client: MemcachedClient, { prefix = "hipflask:", now = systemClock }: MemcachedStoreOptions) {
    this.name = addressOf("Memcached", client);
    this.#client = client;
    this.#prefix = prefix;
    this.now = now;
  }

  async read(key: string): Promise<Stored | undefined> {
    const value = await this.#answer<unknown>((done) => this.#client.get(this.#prefix + key, done));
    return this.#stored(value);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    const [value, lifetime] = this.#value(write);
    const name = this.#prefix + key;
    if (await this.#holds((done) => this.#client.add(name, value, lifetime, done))) return true;
    // The stored record may have expired: Memcached expires in whole seconds.
    const { stored, cas } = await this.#gets(key);
    if (stored !== undefined || cas === undefined) return false;
    return this.#holds((done) => this.#client.cas(name, value, cas, lifetime, done));
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return this.#exchange(key, expected, ...this.#value(write));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    // A placeholder replaces it for a second, so that the `cas` of a writer that read the record before fails.
    if (expected !== undefined) return this.#exchange(key, expected, REMOVED, 1);
    const { stored } = await this.#gets(key);
    const isRemoved = await this.#holds((done) => this.#client.del(this.#prefix + key, done));
    return isRemoved && stored !== undefined ? OK : GONE;
  }

  /** Replaces a record that has the expected commit id. */
  async #exchange(key: string, expected: string, value: string, lifetime: number): Promise<Replaced> {
    const { stored, cas } = await this.#gets(key);
    if (stored === undefined || cas === undefined) return GONE;
    if (stored.commit !== expected) return conditionFailed(stored);
    const name = this.#prefix + key;
    if (await this.#holds((done) => this.#client.cas(name, value, cas, lifetime, done))) return OK;
    return conditionFailed(await this.read(key));
  }

  async #gets(key: string): Promise<{ stored?: Stored | undefined; cas?: string | undefined }> {
    const answer = await this.#answer<unknown>((done) => this.#client.gets(this.#prefix + key, done));
    if (typeof answer !== "object" || answer === null) return {};
    const found = answer as Record<string, unknown>;
    return { stored: this.#stored(found[this.#prefix + key]), cas: String(found["cas"]) };
  }

  /** Memcached expires in whole seconds, so the value contains the exact expiry. */
  #value(write: Write): [value: string, seconds: number] {
    const { lifetime } = write;
    const seconds = Math.min(LONGEST_LIFETIME, Math.ceil(lifetime));
    const until = this.now() + Math.min(lifetime, LONGEST_LIFETIME) * 1000;
    return [valueWithExpiry(write, Math.ceil(until)), Math.max(1, seconds)];
  }

  #stored(value: unknown): Stored | undefined {
    if (value === undefined || value === null || value === false || value === REMOVED) return undefined;
    if (typeof value !== "string") throw unexpectedAnswer(this.name, "read");
    return unexpired(value, this.now());
  }

  /** Whether the command was applied. For "not stored" and "exists", the client returns `false` and an error. */
  #holds(send: (done: Callback<boolean>) => void): Promise<boolean> {
    return this.#answer(send).catch((error: unknown) => {
      if (error instanceof Error && /Item is not stored|not stored|EXISTS/i.test(error.message)) return false;
      throw error;
    });
  }

  #answer<Result>(send: (done: Callback<Result>) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      send((error, result) => {
        if (error === undefined || error === null) resolve(result);
        else reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }
}
