import type { Row } from "./row.ts";
import { compile, nowOf, type Dialect, type Values } from "./dialect.ts";
import { storeError } from "../store-error.ts";

/** Something that runs statements: a pool, or one connection of it within a transaction. */
export interface SqlConnection {
  query(text: string, values: unknown[]): Promise<{ rows: Row[]; affected: number }>;
}

/** A pool of connections. */
export interface SqlPool extends SqlConnection {
  /** Runs `work` in a transaction, and commits if it says so. */
  transaction<Result>(
    work: (connection: SqlConnection) => Promise<{ result: Result; commit: boolean }>,
  ): Promise<Result>;
}

/** Times that a transaction is tried which the engine sacrificed to let another one through. */
const ATTEMPTS = 8;

/** A database and its dialect: statements with named values go in, rows or a `StoreError` come out. */
export class SqlEngine {
  readonly pool: SqlPool;
  readonly dialect: Dialect;
  /** The time of the database, as SQL. */
  readonly now: string;
  readonly #clockOffset: () => number;

  constructor(pool: SqlPool, dialect: Dialect, clockOffset: () => number) {
    this.pool = pool;
    this.dialect = dialect;
    this.now = nowOf(dialect);
    this.#clockOffset = clockOffset;
  }

  run(
    sql: string,
    values: Values = {},
    connection: SqlConnection = this.pool,
  ): Promise<{ rows: Row[]; affected: number }> {
    const statement = compile(this.dialect, sql, { ...values, offset: this.#clockOffset() });
    return this.#guard(() => connection.query(statement.text, statement.values));
  }

  transaction<Result>(
    work: (connection: SqlConnection) => Promise<{ result: Result; commit: boolean }>,
  ): Promise<Result> {
    return this.#guard(() => this.pool.transaction(work));
  }

  /** Once more when the engine gave up on a statement or transaction to let another one through. */
  async retrying<Result>(act: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!this.dialect.isSerializationFailure(error)) throw error;
        if (attempt === ATTEMPTS) throw storeError("sql", error);
      }
    }
  }

  /** Errors that are answers pass as they are; all others are told without statements and values. */
  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      if (this.dialect.isDuplicate(error) || this.dialect.isSerializationFailure(error)) throw error;
      throw storeError("sql", error);
    }
  }
}

export function selectorOf(row: Row): string {
  return String(row.selector);
}
