import { StoreError } from "../errors.ts";
import type { RecordLimits } from "./limits.ts";
import { LocalStore, type LocalEngine, type LocalTables } from "./local-store.ts";
import { openSqlite, unlessBusy, type SqliteDatabase } from "./sqlite/database.ts";
import { SQLITE_SCHEMA, SqliteTables } from "./sqlite/tables.ts";
import type { SessionStore } from "./verbs.ts";
import { storeError } from "./store-error.ts";

export type { SqliteDatabase, SqliteStatement } from "./sqlite/database.ts";

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The clock, in epoch milliseconds. Default `Date.now`: processes that share a file share a machine and its clock. */
  readonly now?: () => number;
  /** Seconds to wait for other processes that write. Default 2. */
  readonly busyTimeout?: number;
  /**
   * `"normal"`: what was answered survives the end of the process, however sudden. `"full"`: also a power failure, at
   * the price of a disk flush per write. Default `"normal"`.
   */
  readonly synchronous?: "normal" | "full";
  /** How large one record may grow. Default 1000 fields and 256 KiB. */
  readonly limits?: RecordLimits;
}

/**
 * Sessions in a SQLite file: the embedded default. Several processes may use one file at once; a process killed in the
 * middle of a write leaves no half of it.
 *
 * Takes the path of a file, which is created with its tables at the first use, or an open database of `node:sqlite`,
 * `libsql` or `better-sqlite3`, which stays yours to close.
 *
 * @example
 * ```ts
 * import { sqliteStore } from "hipflask/stores/sqlite";
 * const store = sqliteStore("sessions.db");
 * ```
 */
export function sqliteStore(file: string | SqliteDatabase, options: SqliteStoreOptions = {}): SessionStore {
  return new LocalStore(new SqliteEngine(file, options), options.now, options.limits);
}

interface Job {
  run(tables: LocalTables): void;
  resolve(): void;
  reject(error: unknown): void;
}

interface Opened {
  readonly db: SqliteDatabase;
  readonly tables: SqliteTables;
}

/** Writes of one turn of the event loop share a transaction, and so its cost. */
class SqliteEngine implements LocalEngine {
  readonly #file: string | SqliteDatabase;
  readonly #busyTimeout: number;
  readonly #synchronous: "normal" | "full";
  #opened: Promise<Opened> | undefined;
  #waiting: Job[] = [];
  #flushing: Promise<void> | undefined;

  constructor(
    file: string | SqliteDatabase,
    { busyTimeout = 2, synchronous = "normal" }: SqliteStoreOptions,
  ) {
    this.#file = file;
    this.#busyTimeout = busyTimeout;
    this.#synchronous = synchronous;
  }

  async read<Result>(work: (tables: LocalTables) => Result): Promise<Result> {
    try {
      const { tables } = await this.#open();
      // Transactions of this process never span an await, so none is open here.
      return await this.#unlessBusy(() => work(tables));
    } catch (error) {
      throw storeError("read", error);
    }
  }

  write<Result>(work: (tables: LocalTables) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: Result;
      this.#waiting.push({
        run: (tables) => void (result = work(tables)),
        resolve: () => resolve(result),
        reject: (error) => reject(storeError("write", error)),
      });
      this.#flushing ??= this.#flush();
    });
  }

  async close(): Promise<void> {
    await this.#flushing;
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened && typeof this.#file === "string") (await opened).db.close();
  }

  async #flush(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      let jobs: Job[] = [];
      try {
        const { db, tables } = await this.#open();
        await this.#unlessBusy(() => db.exec("BEGIN IMMEDIATE"));
        jobs = this.#waiting.splice(0);
        for (const job of transact(db, tables, jobs)) job.resolve();
      } catch (error) {
        for (const job of jobs.length > 0 ? jobs : this.#waiting.splice(0)) job.reject(error);
      }
    }
    // In the same turn as the last look at the queue: a job that comes later starts the next flush.
    this.#flushing = undefined;
  }

  #unlessBusy<Result>(act: () => Result): Promise<Result> {
    return unlessBusy(act, this.#busyTimeout);
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#prepare().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #prepare(): Promise<Opened> {
    const db = typeof this.#file === "string" ? await openSqlite(this.#file) : this.#file;
    await this.#unlessBusy(() => {
      db.exec("PRAGMA busy_timeout = 5");
      db.exec("PRAGMA journal_mode = WAL");
      db.exec(`PRAGMA synchronous = ${this.#synchronous}`);
      db.exec(SQLITE_SCHEMA);
    });
    return { db, tables: new SqliteTables(db) };
  }
}

/**
 * Runs the jobs and commits, or rolls all of it back and throws. A job that refuses by itself has written nothing yet, so
 * the others go on; the answer is the jobs that succeeded.
 */
function transact(db: SqliteDatabase, tables: SqliteTables, jobs: readonly Job[]): Job[] {
  try {
    const done = jobs.filter((job) => {
      try {
        job.run(tables);
        return true;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        job.reject(error);
        return false;
      }
    });
    db.exec("COMMIT");
    return done;
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

function rollBack(db: SqliteDatabase): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // After a full disk or an I/O error SQLite has rolled back by itself and says that there is nothing to roll back.
  }
}

/** Whether a job refused its input, which says nothing about the database. */
function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && error.reason !== "unavailable";
}
