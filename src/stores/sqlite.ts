import { sqlStore, type SqlStore } from "./sql.ts";
import { SQLITE } from "./sql/dialect.ts";
import { makePrivate, openSqlite, unlessBusy, type SqliteDatabase } from "./sqlite/database.ts";
import { SqliteRunner } from "./sqlite/runner.ts";

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
 * @example
 * ```ts
 * import { sqliteStore } from "hipflask/stores/sqlite";
 * const store = sqliteStore("sessions.db");
 * ```
 */
export function sqliteStore(file: string | SqliteDatabase, options: SqliteStoreOptions = {}): SqlStore {
  const { busyTimeout = 2, synchronous = "normal" } = options;
  const runner = new SqliteRunner(async () => {
    if (typeof file === "string") makePrivate(file);
    const db = typeof file === "string" ? await openSqlite(file) : file;
    await unlessBusy(() => {
      // The time of a busy engine is waited for outside of SQLite, where other requests go on.
      db.exec("PRAGMA busy_timeout = 5");
      db.exec("PRAGMA journal_mode = WAL");
      db.exec(`PRAGMA synchronous = ${synchronous}`);
      for (const statement of SQLITE.schema) db.exec(statement);
    }, busyTimeout);
    return db;
  }, busyTimeout);
  return sqlStore({
    dialect: "sqlite",
    name: typeof file === "string" ? `SQLite in ${file || "a temporary file"}` : SQLITE.name,
    run: (text, values) => runner.run(text, values),
    async close() {
      const db = await runner.close();
      if (typeof file === "string") db?.close();
    },
  });
}
