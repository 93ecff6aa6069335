import { checkOptions } from "../check-options.ts";
import { addressOf } from "./parts/address.ts";
import { refusal } from "./parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { unknownAnswer } from "./parts/attempts.ts";
import { datedValue, GONE, OK, refused, storedUntil } from "./parts/values.ts";

/** What we call of a client of the `memcached` package. */
export interface MemcachedClient {
  get(key: string, callback: Callback<unknown>): void;
  /** Resolves with `{ [key]: value, cas: token }`. */
  gets(key: string, callback: Callback<unknown>): void;
  cas(key: string, value: string, cas: string, lifetime: number, callback: Callback<boolean>): void;
  add(key: string, value: string, lifetime: number, callback: Callback<boolean>): void;
  del(key: string, callback: Callback<boolean>): void;
}

/** How Node's older clients answer. */
export type Callback<Result> = (error: unknown, result: Result) => void;

/** Options of {@link memcachedStore}. */
export interface MemcachedStoreOptions {
  /** Begins the name of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** Memcached takes a longer lifetime, in seconds, for a date. */
const LONGEST_LIFETIME = 30 * 24 * 60 * 60;
/** A record that was removed on condition: Memcached can only remove without one. */
const REMOVED = "-";

/**
 * Sessions in Memcached, replaced by its `cas` command. Takes a client of the `memcached` package; it stays yours to close.
 *
 * Memcached is a cache: it forgets everything when it restarts and drops records when its memory is full, which logs people
 * out. It never revives a session. A record has at most 1 MB (`-I`), and lives at most 30 days without activity. Name **one** server: a
 * client that moves keys to another server when one is away finds old records there. Its pool has 10 connections unless `poolSize`
 * says more, and with `retries: 0` a request that finds none free fails.
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
    // What is there may be over: Memcached counts whole seconds.
    const { stored, cas } = await this.#gets(key);
    if (stored !== undefined || cas === undefined) return false;
    return this.#holds((done) => this.#client.cas(name, value, cas, lifetime, done));
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return this.#exchange(key, expected, ...this.#value(write));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    // A mark takes its place for a second, so that no writer who read it before can bring it back.
    if (expected !== undefined) return this.#exchange(key, expected, REMOVED, 1);
    const { stored } = await this.#gets(key);
    const isRemoved = await this.#holds((done) => this.#client.del(this.#prefix + key, done));
    return isRemoved && stored !== undefined ? OK : GONE;
  }

  /** Puts a value in the place of a record that still has the expected commit id. */
  async #exchange(key: string, expected: string, value: string, lifetime: number): Promise<Replaced> {
    const { stored, cas } = await this.#gets(key);
    if (stored === undefined || cas === undefined) return GONE;
    if (stored.commit !== expected) return refused(stored);
    const name = this.#prefix + key;
    if (await this.#holds((done) => this.#client.cas(name, value, cas, lifetime, done))) return OK;
    return refused(await this.read(key));
  }

  async #gets(key: string): Promise<{ stored?: Stored | undefined; cas?: string | undefined }> {
    const answer = await this.#answer<unknown>((done) => this.#client.gets(this.#prefix + key, done));
    if (typeof answer !== "object" || answer === null) return {};
    const found = answer as Record<string, unknown>;
    return { stored: this.#stored(found[this.#prefix + key]), cas: String(found["cas"]) };
  }

  /** Memcached counts lifetimes in whole seconds: the exact deadline stands in the value. */
  #value(write: Write): [value: string, seconds: number] {
    const { lifetime } = write;
    const seconds = Math.min(LONGEST_LIFETIME, Math.ceil(lifetime));
    const until = this.now() + Math.min(lifetime, LONGEST_LIFETIME) * 1000;
    return [datedValue(write, Math.ceil(until)), Math.max(1, seconds)];
  }

  #stored(value: unknown): Stored | undefined {
    if (value === undefined || value === null || value === false || value === REMOVED) return undefined;
    if (typeof value !== "string") throw unknownAnswer(this.name, "read");
    return storedUntil(value, this.now());
  }

  /** `false` is an answer of this client, and comes with an error where the server says "not stored" or "exists". */
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
