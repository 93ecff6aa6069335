import { sqlStore, type SqlStore } from "./sql.ts";
import type { SqliteDatabase } from "./sqlite/database.ts";
import { sessionsDatabase, type SqliteStoreOptions } from "./sqlite/sessions-database.ts";

export type { SqliteDatabase, SqliteStatement } from "./sqlite/database.ts";
export type { SqliteStoreOptions } from "./sqlite/sessions-database.ts";

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
