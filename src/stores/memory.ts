import { setImmediate as turn } from "node:timers/promises";
import { checkCount, checkOptions } from "../check-options.ts";
import { StoreError } from "../errors.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import { EMPTY, MemoryTable } from "./memory/table.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { COMMIT, GONE, OK, conditionFailed } from "./parts/values.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Maximum number of records: one for each session, and one for each owner. Default 1 000 000. */
  readonly maxRecords?: number;
  /** Maximum size of all records together, in bytes. Default 512 MiB. */
  readonly maxBytes?: number;
}

/** Expired records that are removed, at a few microseconds each, before the event loop continues. */
const SLICE = 100;

/**
 * Keeps sessions in the memory of this process: for tests, and for applications of one process that may lose all sessions at a
 * restart.
 *
 * Limited in number and bytes. When it is full, expired records are removed first, and then, to store a session with an owner,
 * the sessions without an owner that would expire first; if there is still no room, the write fails with a `StoreError`
 * ("full"). Reading and writing take the same time with a thousand records and with a million.
 *
 * @throws ConfigError for an unknown option or an invalid value
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * const store = memoryStore({ maxRecords: 10_000 });
 * ```
 */
export function memoryStore(
  options: MemoryStoreOptions = {},
): Store & { removeExpired(limit: number): Promise<number> } {
  checkCount(
    "memoryStore",
    arguments,
    1,
    "its options come first, as in memoryStore({ maxRecords: 10_000 })",
  );
  checkOptions("memoryStore", options, { now: "function", maxRecords: "count", maxBytes: "count" });
  return new MemoryStore(options);
}

/** Each step is atomic because it runs synchronously. */
class MemoryStore implements Store {
  readonly name = "The memory store";
  readonly atomic = true;
  readonly #table = new MemoryTable();
  readonly #now: () => number;
  readonly #maxRecords: number;
  readonly #maxBytes: number;

  constructor({ now = systemClock, maxRecords = 1e6, maxBytes = 2 ** 29 }: MemoryStoreOptions) {
    this.#now = now;
    this.#maxRecords = maxRecords;
    this.#maxBytes = maxBytes;
  }

  now(): number {
    return this.#now();
  }

  async read(key: string): Promise<Stored | undefined> {
    const now = this.#now();
    const slot = this.#live(key, now);
    return slot === EMPTY ? undefined : this.#stored(slot, now);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    const now = this.#now();
    if (this.#live(key, now) !== EMPTY) return false;
    this.#write(key, write, now);
    return true;
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    const now = this.#now();
    const failed = this.#conditionFailed(key, expected, now);
    if (failed === undefined) this.#write(key, write, now);
    return failed ?? OK;
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const failed = this.#conditionFailed(key, expected, this.#now());
    if (failed === undefined) this.#table.delete(key);
    return failed ?? OK;
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const now = this.#now();
    const found = new Map<string, Stored>();
    for (const key of keys) {
      const slot = this.#live(key, now);
      if (slot !== EMPTY) found.set(key, this.#stored(slot, now, length));
    }
    return found;
  }

  async removeExpired(limit: number): Promise<number> {
    for (let removed = 0; ; await turn()) {
      const slice = this.#table.deleteExpired(this.#now(), Math.min(SLICE, limit - removed));
      removed += slice;
      if (slice < SLICE || removed === limit) return removed;
    }
  }

  /** The slot of a live record. */
  #live(key: string, now: number): number {
    const slot = this.#table.slotOf(key);
    return slot === EMPTY || this.#table.expiresAt(slot) <= now ? EMPTY : slot;
  }

  /** @param length the number of characters of the text to read; each has up to three bytes */
  #stored(slot: number, now: number, length = Infinity): Stored {
    const value = this.#table.textIn(slot, COMMIT + 3 * length);
    return { text: value.slice(COMMIT, COMMIT + length), commit: value.slice(0, COMMIT), now };
  }

  /** The result of a step whose condition is not met; `undefined` if it is. */
  #conditionFailed(key: string, expected: string | undefined, now: number): Replaced | undefined {
    const slot = this.#live(key, now);
    if (slot === EMPTY) return GONE;
    if (expected === undefined || this.#table.startsWith(slot, expected)) return undefined;
    return conditionFailed(this.#stored(slot, now));
  }

  #write(key: string, { text, commit, lifetime, anonymous = false }: Write, now: number): void {
    const value = commit + text;
    const bytes = Buffer.byteLength(value);
    const table = this.#table;
    const isRoomy = table.size < this.#maxRecords && table.bytes + bytes <= this.#maxBytes;
    if (!isRoomy && !this.#fits(key, bytes)) this.#makeRoom(key, bytes, now, anonymous);
    table.set(key, value, bytes, now + Math.ceil(lifetime * 1000), anonymous);
  }

  #fits(key: string, bytes: number): boolean {
    const table = this.#table;
    const slot = table.slotOf(key);
    const [records, before] = slot === EMPTY ? [1, 0] : [0, table.bytesIn(slot)];
    return table.size + records <= this.#maxRecords && table.bytes + bytes - before <= this.#maxBytes;
  }

  /** @throws StoreError "full" */
  #makeRoom(key: string, bytes: number, now: number, anonymous: boolean): void {
    const table = this.#table;
    // Keeps the record that is to be replaced from being removed to make room: the write may still fail.
    if (!anonymous) table.own(key);
    while (!this.#fits(key, bytes)) {
      const isMade = table.deleteExpired(now, 1) > 0 || (!anonymous && table.deleteFirstAnonymous());
      if (!isMade) throw this.#full();
    }
  }

  #full(): StoreError {
    const { size, bytes } = this.#table;
    return new StoreError(
      "full",
      `The memory store is full: it holds ${size} records in ${bytes} bytes. Raise "maxRecords" or "maxBytes", shorten the lifetime, or use a store outside the process.`,
    );
  }
}
