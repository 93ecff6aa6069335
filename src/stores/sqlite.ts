import { has, isUrl, refusal } from "./clients.ts";
import { sqlStore, type SqlStore } from "./sql.ts";
import { SQLITE } from "./sql/dialect.ts";
import type { SqlDatabase } from "./sql/database.ts";
import { openSqliteHandle, sqliteDatabase } from "./sql/sqlite.ts";
import { makePrivate, type SqliteDatabase } from "./sqlite/database.ts";

export type { SqliteDatabase, SqliteStatement } from "./sqlite/database.ts";

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** Seconds to wait for other processes that write. Default 2. */
  readonly busyTimeout?: number;
  /**
   * `"normal"`: what was answered survives the end of the process, however sudden. `"full"`: also a power failure, at
   * the price of a disk flush per write. Default `"normal"`.
   */
  readonly synchronous?: "normal" | "full";
}

/**
 * Sessions in a SQLite file: the embedded default. Several processes may use one file at once; a process killed in the
 * middle of a write leaves no half of it.
 *
 * Takes the path of a file, which is created with its table at the first use and is readable by its user alone, or an open
 * database of `node:sqlite`, `libsql` or `better-sqlite3`, which stays yours to close. See `sqlStore`.
 *
 * @throws ConfigError for anything else, and for a database that was closed
 * @example
 * ```ts
 * import { sqliteStore } from "hipflask/stores/sqlite";
 * const store = sqliteStore("sessions.db");
 * ```
 */
export function sqliteStore(file: string | SqliteDatabase, options: SqliteStoreOptions = {}): SqlStore {
  return sqlStore(sessionsDatabase(file, options));
}

const TAKEN = "the path of a file, or an open database of node:sqlite, bun:sqlite, libsql or better-sqlite3";

/**
 * The database of {@link sqliteStore}, with its table, for a `sqlStore` of your own around it.
 *
 * @example
 * ```ts
 * import { sqlStore } from "hipflask/stores/sql";
 * import { sessionsDatabase } from "hipflask/stores/sqlite";
 * const store = sqlStore(sessionsDatabase("sessions.db"));
 * ```
 */
export function sessionsDatabase(
  file: string | SqliteDatabase,
  { busyTimeout = 2, synchronous = "normal" }: SqliteStoreOptions,
): SqlDatabase {
  const isFile = typeof file === "string" && !isUrl(file);
  if (!isFile && !has(file, "exec", "prepare", "close")) throw refusal("sqliteStore", TAKEN, file);
  return sqliteDatabase(isFile ? file : openSqliteHandle("sqliteStore", file as SqliteDatabase), {
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
