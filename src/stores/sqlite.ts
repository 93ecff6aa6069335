import { sqlStore, type SqlStore } from "./sql.ts";
import type { SqliteDatabase } from "./sqlite/database.ts";
import { sessionsDatabase, type SqliteStoreOptions } from "./sqlite/sessions-database.ts";

export type { SqliteDatabase, SqliteStatement } from "./sqlite/database.ts";
export type { SqliteStoreOptions } from "./sqlite/sessions-database.ts";

/**
 * Keeps sessions in a SQLite file. Several processes may use one file at once, and a write is atomic even if its process is
 * killed.
 *
 * Takes the path of a file, which is created with its table at the first use and is only accessible to its user, or an open
 * database of `node:sqlite`, `libsql` or `better-sqlite3`, which you close yourself. See `sqlStore`.
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
