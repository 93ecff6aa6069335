import { isUrl, refusal } from "../parts/clients.ts";
import type { SqlDatabase } from "../sql/database.ts";
import { mysql2Database, type MysqlPool } from "../sql/mysql2.ts";
import { pgDatabase, type PostgresPool } from "../sql/pg.ts";
import { sqliteDatabase } from "../sql/sqlite.ts";
import type { SqliteDatabase } from "../sqlite/database.ts";

/**
 * The database of a Django project: a `Pool` of `pg`, a pool of `mysql2/promise`, or for SQLite the path of its file or an
 * open database of `node:sqlite`, `libsql` or `better-sqlite3`.
 */
export type DjangoDatabase = PostgresPool | MysqlPool | SqliteDatabase | string;

/** Seconds to wait for Django to finish writing to the same file. */
const BUSY_TIMEOUT = 2;

/** @throws ConfigError for anything that is not a database */
export function djangoDatabase(database: DjangoDatabase): SqlDatabase {
  if (typeof database === "string" && !isUrl(database))
    return sqliteDatabase(database, { busyTimeout: BUSY_TIMEOUT });
  if (typeof database === "object" && database !== null) {
    // A pool of mysql2 has `query` as well, and a database of SQLite `prepare` like a connection of mysql2.
    if ("execute" in database) return mysql2Database(database);
    if ("prepare" in database) return sqliteDatabase(database, { busyTimeout: BUSY_TIMEOUT });
    if ("query" in database) return pgDatabase(database, { prepare: false });
  }
  throw refusal(
    "djangoSessions",
    "a Pool of pg, a pool of mysql2/promise, or a SQLite database or its path",
    database,
  );
}
