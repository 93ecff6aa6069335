/** The interface to a SQL database. */
export interface SqlDatabase {
  /** The SQL dialect. */
  readonly dialect: "postgres" | "mysql" | "sqlite";
  /**
   * Runs one statement, outside a transaction. `text` has the placeholders `$1`, `$2`, … for PostgreSQL and `?` for the others;
   * there are only a few different texts, so they can be prepared. Resolves with the rows, as objects with columns as
   * properties, and with the number of rows that the statement inserted, updated or deleted.
   */
  run(text: string, values: SqlValue[]): Promise<SqlResult>;
  /** Name for messages and logs. Default: that of the dialect. Must not contain a password. */
  readonly name?: string | undefined;
  /** Called by the store's `close`. */
  close?(): Promise<void>;
}

/** A value of a statement: a string or an integer. */
export type SqlValue = string | number;

/** The result of a statement. */
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly affected: number;
}

/** A row as returned by a driver: big integers may be strings or bigint, texts may be bytes. */
export type SqlRow = Readonly<Record<string, unknown>>;
