import { ConfigError } from "../../errors.ts";
import { closed } from "../parts/clients.ts";
import { openSqlite, unlessBusy, type SqliteDatabase, type SqliteStatement } from "../sqlite/database.ts";
import { SqliteRunner } from "../sqlite/runner.ts";
import type { SqlDatabase } from "./database.ts";

/** Options of the SQLite database. */
export interface SqliteUse {
  /** Seconds to wait for other processes that write. */
  readonly busyTimeout: number;
  /** Called before a file is opened. */
  readonly beforeOpen?: (path: string) => void;
  /** Called with the open database; called again if another process held the lock. */
  readonly prepare?: (db: SqliteDatabase) => void;
}

/** A SQLite file, opened at the first statement, or an open database, which is not closed. */
export function sqliteDatabase(
  file: string | SqliteDatabase,
  { busyTimeout, beforeOpen, prepare }: SqliteUse,
): SqlDatabase {
  const runner = new SqliteRunner(async () => {
    if (typeof file === "string") beforeOpen?.(file);
    const db = typeof file === "string" ? await openSqlite(file) : file;
    await unlessBusy(() => prepare?.(db), busyTimeout);
    return db;
  }, busyTimeout);
  return {
    dialect: "sqlite",
    name: typeof file === "string" ? `SQLite in ${file || "a temporary file"}` : "SQLite",
    run: (text, values) => runner.run(text, values),
    async close() {
      const db = await runner.close();
      if (typeof file === "string") db?.close();
    },
  };
}

/** @throws ConfigError for one that was closed, and for one of an asynchronous driver */
export function openSqliteHandle(who: string, db: SqliteDatabase): SqliteDatabase {
  if (Array.isArray(answerOf(who, db))) return db;
  throw new ConfigError(
    `${who} got a SQLite database of an asynchronous driver (sqlite3, sqlite or libsql/promise): pass the path of its file to sqliteStore of hipflask/stores/sqlite.`,
  );
}

/** Runs a query synchronously; other results than rows mean another kind of driver. */
function answerOf(who: string, db: SqliteDatabase): unknown {
  let statement: Partial<SqliteStatement> & { catch?(ignored: () => void): unknown };
  try {
    statement = db.prepare("SELECT 1");
  } catch {
    throw closed(who, "a database of SQLite");
  }
  statement.catch?.(() => {});
  return statement.all?.();
}
