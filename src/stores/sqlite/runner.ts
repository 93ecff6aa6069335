import type { SqlResult, SqlValue } from "../sql/database.ts";
import { unlessBusy, type SqliteDatabase, type SqliteStatement } from "./database.ts";

interface Job {
  readonly text: string;
  readonly values: SqlValue[];
  resolve(result: SqlResult): void;
  reject(error: unknown): void;
}

/**
 * Runs statements on a synchronous SQLite database. Writes are collected until the current task ends, and then run in one
 * transaction, so that they share its cost.
 */
export class SqliteRunner {
  readonly #open: () => Promise<SqliteDatabase>;
  readonly #busyTimeout: number;
  #db: Promise<SqliteDatabase> | undefined;
  #statements = new Map<string, SqliteStatement>();
  #waiting: Job[] = [];
  #flushing: Promise<void> | undefined;

  /**
   * @param open called before the first statement, and again if it failed
   * @param busyTimeout seconds to wait for another process that writes
   */
  constructor(open: () => Promise<SqliteDatabase>, busyTimeout: number) {
    this.#open = open;
    this.#busyTimeout = busyTimeout;
  }

  async run(text: string, values: SqlValue[]): Promise<SqlResult> {
    if (!text.startsWith("SELECT")) return this.#enqueue(text, values);
    const db = await this.#opened();
    // Transactions of this process never span an await, so none is open here.
    return unlessBusy(() => this.#read(db, text, values), this.#busyTimeout);
  }

  /** Waits for pending writes, and resolves with the database if it was opened. */
  async close(): Promise<SqliteDatabase | undefined> {
    await this.#flushing;
    const db = this.#db;
    this.#db = undefined;
    this.#statements.clear();
    return db;
  }

  #enqueue(text: string, values: SqlValue[]): Promise<SqlResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, values, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      let jobs: Job[] = [];
      try {
        const db = await this.#opened();
        const results = await unlessBusy(() => {
          jobs = this.#waiting;
          return jobs.length === 1 ? [this.#write(db, jobs[0]!)] : this.#writeAll(db, jobs);
        }, this.#busyTimeout);
        this.#waiting = this.#waiting.slice(jobs.length);
        for (const [at, job] of jobs.entries()) job.resolve(results[at]!);
      } catch (error) {
        for (const job of this.#waiting.splice(0)) job.reject(error);
      }
    }
    // No await since the queue was found empty, so a job that is added later starts the next flush.
    this.#flushing = undefined;
  }

  #read(db: SqliteDatabase, text: string, values: SqlValue[]): SqlResult {
    return { rows: this.#statement(db, text).all(...values) as SqlResult["rows"], affected: 0 };
  }

  #write(db: SqliteDatabase, { text, values }: Job): SqlResult {
    return { rows: [], affected: Number(this.#statement(db, text).run(...values).changes) };
  }

  /** Runs all jobs in one transaction. */
  #writeAll(db: SqliteDatabase, jobs: readonly Job[]): SqlResult[] {
    db.exec("BEGIN IMMEDIATE");
    try {
      const results = jobs.map((job) => this.#write(db, job));
      db.exec("COMMIT");
      return results;
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }

  #statement(db: SqliteDatabase, text: string): SqliteStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = db.prepare(text);
    // A database of node:sqlite may be configured to return rows as arrays.
    statement.setReturnArrays?.(false);
    this.#statements.set(text, statement);
    return statement;
  }

  #opened(): Promise<SqliteDatabase> {
    this.#db ??= this.#open().catch((error: unknown) => {
      this.#db = undefined;
      throw error;
    });
    return this.#db;
  }
}

function rollBack(db: SqliteDatabase): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // After a full disk or an I/O error, SQLite has already rolled back, and ROLLBACK fails.
  }
}
