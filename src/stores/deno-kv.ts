import { checkOptions } from "../check-options.ts";
import { backOff } from "./parts/store-calls.ts";
import { refusal } from "./parts/clients.ts";
import { StoreError } from "../errors.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { OK, conditionFailed, headOf } from "./parts/values.ts";
import { unlessBusy } from "./sqlite/database.ts";

/** The methods used of a `Deno.Kv`. */
export interface DenoKv {
  get(key: string[], options?: { consistency?: "strong" }): Promise<DenoKvEntry>;
  getMany(keys: string[][]): Promise<DenoKvEntry[]>;
  atomic(): DenoKvAtomic;
}

/** A result of `Deno.Kv`; without a `versionstamp` there is no entry. */
export interface DenoKvEntry {
  readonly value: unknown;
  readonly versionstamp: string | null;
}

/** The methods used of `Deno.Kv.atomic()`. */
export interface DenoKvAtomic {
  check(entry: { key: string[]; versionstamp: string | null }): DenoKvAtomic;
  set(key: string[], value: unknown, options: { expireIn: number }): DenoKvAtomic;
  delete(key: string[]): DenoKvAtomic;
  commit(): Promise<{ ok: boolean }>;
}

/** Options of {@link denoKvStore}. */
export interface DenoKvStoreOptions {
  /** The first part of every key. Default `"hipflask"`. */
  readonly prefix?: string;
  /** The clock, in epoch milliseconds: Deno KV's checks cannot use the server's. Default `Date.now`. */
  readonly now?: () => number;
}

interface StoredRecord {
  readonly text: string;
  readonly commit: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Deno KV's limit is 65536 bytes per value, including the commit id and the expiry. */
const MAX_BYTES = 65_000;
/** Seconds to wait for other processes: a Deno KV file is a SQLite database, which only one process writes at a time. */
const BUSY_TIMEOUT = 2;
/** Maximum number of keys in a `getMany`. */
const BATCH = 10;

/**
 * Keeps sessions in Deno KV, which are replaced by its atomic check. A record may have 64 KiB, which is a limit of Deno KV.
 * Closing the handle is up to you.
 *
 * @throws ConfigError for anything that is not an open `Deno.Kv`
 * @example
 * ```ts no-check
 * import { denoKvStore } from "hipflask/stores/deno-kv";
 * export const store = denoKvStore(await Deno.openKv());
 * ```
 */
export function denoKvStore(kv: DenoKv, options: DenoKvStoreOptions = {}): Store {
  if (typeof kv?.atomic !== "function" || typeof kv.getMany !== "function") {
    throw refusal("denoKvStore", "an open Deno.Kv: denoKvStore(await Deno.openKv())", kv);
  }
  checkOptions("denoKvStore", options, { prefix: "string", now: "function" });
  return new DenoKvStore(kv, options);
}

class DenoKvStore implements Store {
  readonly name = "Deno KV";
  readonly atomic = true;
  readonly now: () => number;
  readonly #kv: DenoKv;
  readonly #prefix: string;

  constructor(kv: DenoKv, { prefix = "hipflask", now = systemClock }: DenoKvStoreOptions) {
    this.#kv = kv;
    this.#prefix = prefix;
    this.now = now;
  }

  read(key: string): Promise<Stored | undefined> {
    return this.#entry(key).then((entry) => this.#stored(entry));
  }

  async insert(key: string, write: Write): Promise<boolean> {
    // Most keys are new, so this does not read first.
    if (await this.#put(key, null, write)) return true;
    const entry = await this.#entry(key);
    return this.#stored(entry) === undefined && this.#put(key, entry.versionstamp, write);
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    const put = (versionstamp: string | null) => this.#put(key, versionstamp, write);
    return this.#change(key, expected, put);
  }

  remove(key: string, expected?: string): Promise<Replaced> {
    const name = [this.#prefix, key];
    const remove = async (versionstamp: string | null) =>
      (await unlocked(() => this.#kv.atomic().check({ key: name, versionstamp }).delete(name).commit())).ok;
    return this.#change(key, expected, remove);
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    for (let from = 0; from < keys.length; from += BATCH) {
      const batch = keys.slice(from, from + BATCH);
      const entries = await unlocked(() => this.#kv.getMany(batch.map((key) => [this.#prefix, key])));
      for (const [at, entry] of entries.entries()) {
        const stored = this.#stored(entry);
        if (stored) found.set(batch[at]!, headOf(stored, length));
      }
    }
    return found;
  }

  /** Changes a live record that has the expected commit id, if one is given; tries again after a conflict. */
  async #change(
    key: string,
    expected: string | undefined,
    change: (versionstamp: string | null) => Promise<boolean>,
  ): Promise<Replaced> {
    for (let conflicts = 0; ; await backOff(++conflicts)) {
      const entry = await this.#entry(key);
      const current = this.#stored(entry);
      if (current === undefined || (expected !== undefined && current.commit !== expected))
        return conditionFailed(current);
      if (await change(entry.versionstamp)) return OK;
    }
  }

  #entry(key: string): Promise<DenoKvEntry> {
    return unlocked(() => this.#kv.get([this.#prefix, key], { consistency: "strong" }));
  }

  async #put(key: string, versionstamp: string | null, { text, commit, lifetime }: Write): Promise<boolean> {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_BYTES) {
      throw new StoreError(
        "too-large",
        `The session record has ${bytes} bytes, and Deno KV keeps at most ${MAX_BYTES}: keep less in the session.`,
      );
    }
    const name = [this.#prefix, key];
    const expireIn = Math.ceil(lifetime * 1000);
    const record: StoredRecord = { text, commit, until: this.now() + expireIn };
    const { ok } = await unlocked(() =>
      this.#kv.atomic().check({ key: name, versionstamp }).set(name, record, { expireIn }).commit(),
    );
    return ok;
  }

  /** The record of a live entry: Deno KV removes expired entries with a delay. */
  #stored({ value }: DenoKvEntry): Stored | undefined {
    const record = value as StoredRecord | null;
    return record !== null && record.until > this.now()
      ? { text: record.text, commit: record.commit }
      : undefined;
  }
}

function unlocked<Result>(act: () => Promise<Result>): Promise<Result> {
  return unlessBusy(act, BUSY_TIMEOUT);
}
