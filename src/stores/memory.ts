import { systemClock } from "../itsdangerous/system-clock.ts";
import type { RecordLimits } from "./limits.ts";
import { LocalStore, type LocalEngine } from "./local-store.ts";
import { MemoryTables } from "./memory/tables.ts";
import type { SessionStore } from "./store.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /**
   * Sessions it may hold; one more is refused with a `StoreError` ("full"), for none that was acknowledged is ever
   * dropped. Default 1 000 000.
   */
  readonly maxSessions?: number;
  /** Bytes all records together may have. Default 512 MiB. */
  readonly maxBytes?: number;
  /** How large one record may grow. Default 1000 fields and 256 KiB. */
  readonly limits?: RecordLimits;
}

/**
 * Sessions in this process: for tests, and for applications of one process that may forget everybody at a restart.
 *
 * Bounded in count and bytes. Expired sessions are dead at once and make room when others are created or
 * `deleteExpired` runs. Reading and writing cost the same with a thousand sessions and with a million.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * const store = memoryStore({ maxSessions: 10_000 });
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  const { now = systemClock, maxSessions = 1e6, maxBytes = 2 ** 29, limits } = options;
  const tables = new MemoryTables(maxSessions, maxBytes, now);
  // With nothing awaited inside, JavaScript itself runs each piece of work alone.
  const run: LocalEngine["write"] = async (work) => work(tables);
  return new LocalStore({ read: run, write: run }, now, limits);
}
