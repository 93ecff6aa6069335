import { closed } from "../parts/clients.ts";
import { openSqlite, unlessBusy, type SqliteDatabase } from "../sqlite/database.ts";
import { SqliteRunner } from "../sqlite/runner.ts";
import type { SqlDatabase } from "./database.ts";

/** How a SQLite database is used. */
export interface SqliteUse {
  /** Seconds to wait for other processes that write. */
  readonly busyTimeout: number;
  /** Called before a file is opened. */
  readonly beforeOpen?: (path: string) => void;
  /** Called once with the open database, again if another process held it. */
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

/** @throws ConfigError for one that was closed, as far as its driver tells */
export function openSqliteHandle(who: string, db: SqliteDatabase): SqliteDatabase {
  const { open, isOpen } = db as { open?: unknown; isOpen?: unknown };
  if (open === false || isOpen === false) throw closed(who, "a database of SQLite");
  return db;
}
