import type { SqlDatabase } from "../sql/database.ts";
import { SQLITE } from "../sql/dialect.ts";
import { sqliteDatabase } from "../sql/sqlite.ts";
import { makePrivate, type SqliteDatabase } from "./database.ts";

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /** Seconds to wait for other processes that write. Default 2. */
  readonly busyTimeout?: number;
  /**
   * `"normal"`: what was answered survives the end of the process, however sudden. `"full"`: also a power failure, at
   * the price of a disk flush per write. Default `"normal"`.
   */
  readonly synchronous?: "normal" | "full";
}

/** The database of `sqliteStore`, with its table. */
export function sessionsDatabase(
  file: string | SqliteDatabase,
  { busyTimeout = 2, synchronous = "normal" }: SqliteStoreOptions,
): SqlDatabase {
  return sqliteDatabase(file, {
    busyTimeout,
    beforeOpen: makePrivate,
    prepare(db) {
      // A busy engine is waited for outside of SQLite, where other requests go on.
      db.exec("PRAGMA busy_timeout = 5");
      db.exec("PRAGMA journal_mode = WAL");
      db.exec(`PRAGMA synchronous = ${synchronous}`);
      for (const statement of SQLITE.schema) db.exec(statement);
    },
  });
}
