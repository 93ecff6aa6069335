import { has, isUrl, refusal } from "../parts/clients.ts";
import type { SqlDatabase } from "../sql/database.ts";
import { isMysql2, mysql2Of, type MysqlPool } from "../sql/mysql2.ts";
import { isPg, openPg, pgDatabase, type PostgresPool } from "../sql/pg.ts";
import { openSqliteHandle, sqliteDatabase } from "../sql/sqlite.ts";
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
  if (isMysql2(database)) return mysql2Of("djangoSessions", database as MysqlPool);
  if (isPg(database))
    return pgDatabase(openPg("djangoSessions", database as PostgresPool), { prepare: false });
  if (has(database, "exec", "prepare", "close")) {
    const db = openSqliteHandle("djangoSessions", database as SqliteDatabase);
    return sqliteDatabase(db, { busyTimeout: BUSY_TIMEOUT });
  }
  throw refusal(
    "djangoSessions",
    "a Pool of pg, a pool of mysql2/promise, or a SQLite database or its path",
    database,
  );
}
