import { StoreError } from "../../errors.ts";
import type { LocalTables } from "../local-store.ts";
import { MemoryTable } from "./table.ts";
import { pack, unpack } from "../packed.ts";
import type { SessionRecord } from "../verbs.ts";

/** The tables of the memory store: bounded, and indexed by owner. */
export class MemoryTables implements LocalTables {
  readonly #maxSessions: number;
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #records = new MemoryTable();
  readonly #owned = new Map<string, Set<string>>();
  /** Oldest mark first. */
  readonly #marks = new Map<string, number>();

  constructor(maxSessions: number, maxBytes: number, now: () => number) {
    this.#maxSessions = maxSessions;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get(selector: string) {
    return this.#records.get(selector);
  }

  save(record: SessionRecord, before: SessionRecord | null): void {
    const text = pack(record);
    if (!this.#fits(record.selector, text)) {
      this.removeExpired(this.#now(), Infinity);
      if (!this.#fits(record.selector, text)) throw this.#full();
    }
    this.#records.set(record.selector, text, record.expiresAt);
    this.#move(record.selector, before?.owner ?? null, record.owner);
  }

  remove(selector: string): void {
    // The record alone knows its owner; taking thousands apart in a sweep is spared where nobody owns any.
    const text = this.#owned.size > 0 ? this.#records.get(selector)?.text : undefined;
    this.#records.delete(selector);
    if (text !== undefined) this.#move(selector, unpack(selector, text)?.owner ?? null, null);
  }

  removeExpired(now: number, limit: number): number {
    let removed = 0;
    for (; removed < limit; removed++) {
      const next = this.#records.next;
      if (!next || next.expiresAt > now) break;
      this.remove(next.selector);
    }
    return removed;
  }

  sessionsOf(owner: string): Iterable<string> {
    return this.#owned.get(owner) ?? [];
  }

  markOf(owner: string): number | undefined {
    return this.#marks.get(owner);
  }

  mark(owner: string, now: number): void {
    this.#marks.delete(owner);
    this.#marks.set(owner, now);
  }

  forgetMarks(before: number): void {
    for (const [owner, mark] of this.#marks) {
      if (mark > before) return;
      this.#marks.delete(owner);
    }
  }

  #fits(selector: string, text: string): boolean {
    const before = this.#records.bytesOf(selector);
    return (
      this.#records.size + (before === undefined ? 1 : 0) <= this.#maxSessions &&
      this.#records.bytes + Buffer.byteLength(text) - (before ?? 0) <= this.#maxBytes
    );
  }

  #full(): StoreError {
    const { size, bytes } = this.#records;
    return new StoreError(
      "full",
      `The memory store holds ${size} sessions in ${bytes} bytes and takes no more. Raise "maxSessions" or "maxBytes", shorten the lifetime, or use a store outside of the process.`,
    );
  }

  #move(selector: string, from: string | null, to: string | null): void {
    if (from === to) return;
    if (from !== null) {
      const sessions = this.#owned.get(from);
      sessions?.delete(selector);
      if (sessions?.size === 0) this.#owned.delete(from);
    }
    if (to !== null) {
      const sessions = this.#owned.get(to);
      if (sessions) sessions.add(selector);
      else this.#owned.set(to, new Set([selector]));
    }
  }
}
