/** A database as a store of single statements uses it. */
export interface SqlDatabase {
  /** Whose SQL it speaks. */
  readonly dialect: "postgres" | "mysql" | "sqlite";
  /**
   * Runs one statement, outside of a transaction. `text` has `$1`, `$2`, … for PostgreSQL and `?` for the others; the texts are
   * always the same few, so they can be prepared. Resolves with the rows, as objects by column, and with the number of rows that
   * the statement inserted, updated or deleted.
   */
  run(text: string, values: SqlValue[]): Promise<SqlResult>;
  /** For messages and logs. Default: the dialect's. Never put a password here. */
  readonly name?: string | undefined;
  /** Called by the store's `close`. */
  close?(): Promise<void>;
}

/** What statements get: texts and whole numbers. */
export type SqlValue = string | number;

/** What a statement came to. */
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly affected: number;
}

/** A row as a driver gives it: big integers may come as text or bigint, texts as bytes. */
export type SqlRow = Readonly<Record<string, unknown>>;
