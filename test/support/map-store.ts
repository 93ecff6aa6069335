import { StoreError } from "../../src/errors.ts";
import type { Replaced, Store, Stored, Write } from "../../src/stores/parts/store.ts";

interface Entry {
  readonly text: string;
  readonly commit: string;
  readonly expiresAt: number;
}

/** A store of a few lines, for tests that break it in some way: each step is a command to an engine that can be stopped. */
export class MapStore implements Store {
  readonly name = "a map";
  readonly atomic = true;
  readonly entries = new Map<string, Entry>();
  readonly #now: () => number;
  readonly #beforeCommand: () => Promise<void>;
  /** Keys of records that cannot be decoded. */
  readonly corrupted = new Set<string>();
  isDown = false;

  constructor(now: () => number = Date.now, beforeCommand: () => Promise<void> = async () => {}) {
    this.#now = now;
    this.#beforeCommand = beforeCommand;
  }

  async read(key: string): Promise<Stored | undefined> {
    await this.#command();
    return this.corrupted.has(key) ? undefined : this.#live(key);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    await this.#command();
    if (this.#live(key) !== undefined) return false;
    this.put(key, write);
    return true;
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    await this.#command();
    const current = this.#live(key);
    if (current === undefined || this.corrupted.has(key)) return { status: "gone" };
    if (current.commit !== expected) return { status: "conflict", current };
    this.put(key, write);
    return { status: "ok" };
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    await this.#command();
    const current = this.#live(key);
    if (current === undefined) return { status: "gone" };
    if (expected !== undefined && current.commit !== expected) return { status: "conflict", current };
    this.entries.delete(key);
    this.corrupted.delete(key);
    return { status: "ok" };
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    await this.#command();
    const found = new Map<string, Stored>();
    for (const key of keys) {
      const stored = this.#live(key);
      if (stored !== undefined) found.set(key, { ...stored, text: stored.text.slice(0, length) });
    }
    return found;
  }

  async removeExpired(limit: number): Promise<number> {
    await this.#command();
    const expired = [...this.entries].filter(([, { expiresAt }]) => expiresAt <= this.#now());
    for (const [key] of expired.slice(0, limit)) this.entries.delete(key);
    return Math.min(limit, expired.length);
  }

  /** Makes what is stored under this key, whatever case it has there, unreadable. */
  corrupt(key: string): void {
    for (const name of [key, key.toLowerCase()]) if (this.entries.has(name)) this.corrupted.add(name);
  }

  dump(key: string): string {
    return [key, key.toLowerCase()]
      .map((name) => `${this.corrupted.has(name)} ${JSON.stringify(this.entries.get(name))}`)
      .join("\n");
  }

  #live(key: string): Stored | undefined {
    const entry = this.entries.get(key);
    const now = this.#now();
    return entry && entry.expiresAt > now ? { text: entry.text, commit: entry.commit, now } : undefined;
  }

  /** Writes without any condition. */
  put(key: string, { text, commit, lifetime }: Write): void {
    this.entries.set(key, { text, commit, expiresAt: this.#now() + lifetime * 1000 });
  }

  async #command(): Promise<void> {
    await this.#beforeCommand();
    if (this.isDown) throw new StoreError("unavailable", "down on purpose");
  }
}

/** The steps of a store as an object that can be spread and changed. */
export function bound(store: Store): { -readonly [Step in keyof Store]: Store[Step] } {
  return {
    name: store.name,
    atomic: store.atomic,
    read: (key) => store.read(key),
    insert: (key, write) => store.insert(key, write),
    replace: (key, expected, write) => store.replace(key, expected, write),
    remove: (key, expected) => store.remove(key, expected),
    ...(store.commitOf && { commitOf: (text) => store.commitOf!(text) }),
    ...(store.readMany && { readMany: (keys, length) => store.readMany!(keys, length) }),
    ...(store.removeExpired && { removeExpired: (limit) => store.removeExpired!(limit) }),
    ...(store.now && { now: () => store.now!() }),
    ...(store.migrate && { migrate: () => store.migrate!() }),
    ...(store.close && { close: () => store.close!() }),
  };
}
