import { checkOptions } from "../../check-options.ts";
import { has, isUrl, refusal } from "../parts/clients.ts";
import type { SqlDatabase } from "../sql/database.ts";
import { SQLITE } from "../sql/dialect.ts";
import { openSqliteHandle, sqliteDatabase } from "../sql/sqlite.ts";
import { makePrivate, type SqliteDatabase } from "./database.ts";

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /** Seconds to wait for other processes that write. Default 2. */
  readonly busyTimeout?: number;
  /**
   * SQLite's `PRAGMA synchronous`. `"normal"`: committed writes survive a crash of the process. `"full"`: also a power failure,
   * with a disk flush per write. Default `"normal"`.
   */
  readonly synchronous?: "normal" | "full";
}

const TAKEN = "the path of a file, or an open database of node:sqlite, bun:sqlite, libsql or better-sqlite3";

/** The database of `sqliteStore`, whose table is created when it is opened. */
export function sessionsDatabase(file: string | SqliteDatabase, options: SqliteStoreOptions): SqlDatabase {
  const isFile = typeof file === "string" && !isUrl(file);
  if (!isFile && !has(file, "exec", "prepare", "close")) throw refusal("sqliteStore", TAKEN, file);
  checkOptions("sqliteStore", options, { busyTimeout: "seconds", synchronous: ["normal", "full"] });
  const { busyTimeout = 2, synchronous = "normal" } = options;
  return sqliteDatabase(isFile ? file : openSqliteHandle("sqliteStore", file as SqliteDatabase), {
    busyTimeout,
    beforeOpen: makePrivate,
    prepare(db) {
      // The settings of an open database are those of its application.
      if (isFile) {
        // Short, since this timeout blocks the event loop; `unlessBusy` waits without blocking.
        db.exec("PRAGMA busy_timeout = 5");
        db.exec("PRAGMA journal_mode = WAL");
        db.exec(`PRAGMA synchronous = ${synchronous}`);
      }
      for (const statement of SQLITE.schema) db.exec(statement);
    },
  });
}
