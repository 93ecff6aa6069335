import { checkOptions } from "../check-options.ts";
import { backOff } from "./parts/attempts.ts";
import { refusal } from "./parts/clients.ts";
import { StoreError } from "../errors.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { headOf, millisecondsOf, OK, conditionFailed } from "./parts/values.ts";
import { unlessBusy } from "./sqlite/database.ts";

/** What we call of a `Deno.Kv`. */
export interface DenoKv {
  get(key: string[], options?: { consistency?: "strong" }): Promise<DenoKvEntry>;
  getMany(keys: string[][]): Promise<DenoKvEntry[]>;
  atomic(): DenoKvAtomic;
}

/** An entry as `Deno.Kv` gives it; without a `versionstamp` there is none. */
export interface DenoKvEntry {
  readonly value: unknown;
  readonly versionstamp: string | null;
}

/** What is called of `Deno.Kv.atomic()`. */
export interface DenoKvAtomic {
  check(entry: { key: string[]; versionstamp: string | null }): DenoKvAtomic;
  set(key: string[], value: unknown, options: { expireIn: number }): DenoKvAtomic;
  delete(key: string[]): DenoKvAtomic;
  commit(): Promise<{ ok: boolean }>;
}

/** Options of {@link denoKvStore}. */
export interface DenoKvStoreOptions {
  /** First part of every key. Default `"hipflask"`. */
  readonly prefix?: string;
  /** The clock, in epoch milliseconds: Deno KV has none for conditions. Default `Date.now`. */
  readonly now?: () => number;
}

interface Kept {
  readonly text: string;
  readonly commit: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Deno KV keeps values of 65536 bytes; some of them are commit id and deadline. */
const MAX_BYTES = 65_000;
/** Seconds to wait for other processes: a file of Deno KV is a SQLite database, which one writes at a time. */
const BUSY_TIMEOUT = 2;
/** Keys of one request. */
const BATCH = 10;

/**
 * Sessions in Deno KV, replaced by its atomic check. A record may have 64 KiB, which is a limit of Deno KV. The handle stays yours
 * to close.
 *
 * @throws ConfigError for something else than an open `Deno.Kv`
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
    // Most keys are new: no need to look first.
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

  /** Does it to a live record with the expected commit id, or with any; again where another writer was faster. */
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
    const expireIn = millisecondsOf(lifetime);
    const kept: Kept = { text, commit, until: this.now() + expireIn };
    const { ok } = await unlocked(() =>
      this.#kv.atomic().check({ key: name, versionstamp }).set(name, kept, { expireIn }).commit(),
    );
    return ok;
  }

  /** Deno KV removes what expired some time later. */
  #stored({ value }: DenoKvEntry): Stored | undefined {
    const kept = value as Kept | null;
    return kept !== null && kept.until > this.now() ? { text: kept.text, commit: kept.commit } : undefined;
  }
}

function unlocked<Result>(act: () => Promise<Result>): Promise<Result> {
  return unlessBusy(act, BUSY_TIMEOUT);
}
