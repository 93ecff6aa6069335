import { shareClass } from "../copies.ts";
import { StoreError } from "../errors.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { SessionCallback } from "./session-store.ts";
import type { SessionData } from "./session.ts";
import { Store } from "./store.ts";

/** Options of {@link MemoryStore}; express-session's has none. */
export interface MemoryStoreOptions {
  /** Maximum number of sessions; further ones are refused with a `StoreError` ("full"). Default 1 000 000. */
  readonly maxSessions?: number;
  /** Maximum total length as JSON, in characters. Default 2²⁹. */
  readonly maxLength?: number;
  /** Milliseconds without a request after which a session without `maxAge` expires. Default one day. */
  readonly idleTimeout?: number;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

interface Entry {
  readonly text: string;
  readonly expiresAt: number;
}

const SWEEP_EVERY = 60_000;
/** Minimum milliseconds between two searches for expired sessions in a full store, since each reads all sessions. */
const SWEEP_FULL_EVERY = 1000;

/**
 * Sessions in this process, for development and tests. Unlike express-session's, its size is limited and it removes expired
 * sessions; a session whose cookie ends with the browser is removed a day after its last request.
 *
 * @example
 * ```ts
 * import session, { MemoryStore } from "hipflask/express-session";
 *
 * const store = new MemoryStore({ maxSessions: 10_000 });
 * export const middleware = session({ secret: "keyboard cat", resave: false, saveUninitialized: false, store });
 * store.length((error, length) => console.log(length)); // 0
 * ```
 */
export class MemoryStore extends Store {
  readonly #entries = new Map<string, Entry>();
  readonly #maxSessions: number;
  readonly #maxLength: number;
  readonly #idleTimeout: number;
  readonly #now: () => number;
  #length = 0;
  #sweptAt: number;

  constructor(options: MemoryStoreOptions = {}) {
    super();
    const { maxSessions = 1e6, maxLength = 2 ** 29, idleTimeout = 86_400_000, now = systemClock } = options;
    this.#maxSessions = maxSessions;
    this.#maxLength = maxLength;
    this.#idleTimeout = idleTimeout;
    this.#now = now;
    this.#sweptAt = now();
  }

  override get(id: string, callback: (error: any, session?: SessionData | null) => void): void {
    defer(callback, null, this.#read(id));
  }

  override set(id: string, session: SessionData, callback?: SessionCallback): void {
    let failure: unknown;
    try {
      this.#write(id, JSON.stringify(session), session.cookie?.expires);
    } catch (error) {
      failure = error;
    }
    defer(callback, failure);
  }

  override touch(id: string, session: SessionData, callback?: SessionCallback): void {
    const stored = this.#read(id);
    if (stored) {
      stored.cookie = session.cookie;
      this.#write(id, JSON.stringify(stored), session.cookie?.expires);
    }
    defer(callback);
  }

  override destroy(id: string, callback?: SessionCallback): void {
    this.#remove(id);
    defer(callback);
  }

  override all(callback: (error: any, sessions?: Record<string, SessionData> | null) => void): void {
    this.#sweep();
    const sessions = Object.create(null) as Record<string, SessionData>;
    for (const [id, { text }] of this.#entries) sessions[id] = JSON.parse(text) as SessionData;
    defer(callback, null, sessions);
  }

  override length(callback: (error: any, length?: number) => void): void {
    this.#sweep();
    defer(callback, null, this.#entries.size);
  }

  override clear(callback?: SessionCallback): void {
    this.#entries.clear();
    this.#length = 0;
    defer(callback);
  }

  #read(id: string): SessionData | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry.expiresAt > this.#now()) return JSON.parse(entry.text) as SessionData;
    this.#remove(id);
    return undefined;
  }

  /** @param expires a date, the JSON of one, or none */
  #write(id: string, text: string, expires: Date | string | null | undefined): void {
    const now = this.#now();
    const growth = text.length - (this.#entries.get(id)?.text.length ?? 0);
    const every = this.#isFull(id, growth) ? SWEEP_FULL_EVERY : SWEEP_EVERY;
    if (now - this.#sweptAt >= every) this.#sweep();
    if (this.#isFull(id, growth)) {
      throw new StoreError("full", "The MemoryStore is full; increase maxSessions or maxLength.");
    }
    this.#remove(id);
    const at = expires ? new Date(expires).getTime() : now + this.#idleTimeout;
    this.#entries.set(id, { text, expiresAt: Number.isNaN(at) ? now + this.#idleTimeout : at });
    this.#length += text.length;
  }

  #isFull(id: string, growth: number): boolean {
    const isNew = !this.#entries.has(id);
    return (
      (isNew && this.#entries.size >= this.#maxSessions) ||
      (growth > 0 && this.#length + growth > this.#maxLength)
    );
  }

  #remove(id: string): void {
    this.#length -= this.#entries.get(id)?.text.length ?? 0;
    this.#entries.delete(id);
  }

  #sweep(): void {
    const now = this.#now();
    this.#sweptAt = now;
    for (const [id, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#remove(id);
  }
}

shareClass("express-session MemoryStore", MemoryStore);

function defer<Args extends unknown[]>(callback: ((...args: Args) => void) | undefined, ...args: Args): void {
  if (callback) setImmediate(callback, ...args);
}
