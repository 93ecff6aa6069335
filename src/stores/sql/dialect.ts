/** The SQL that differs between databases. */
export interface Dialect {
  /** Name for messages. */
  readonly name: string;
  /** The statements that create the schema; each can be repeated. */
  readonly schema: readonly string[];
  /** An expression for the time at the start of the statement, in epoch milliseconds. */
  readonly now: string;
  /** The same as a result column, converted to text if drivers may misread it. Default {@link now}. */
  readonly clock?: string;
  /**
   * The placeholder of value number `index`; `undefined` if placeholders have no numbers, and a value is sent once
   * per placeholder.
   */
  readonly numbered?: (index: number) => string;
  /** Converts a value to an integer, even if the driver sends it as text or as a float. */
  readonly integer: (value: string) => string;
  /** An expression for the first characters of a record. */
  readonly head: (length: string) => string;
  /** Integer division. */
  readonly divide: string;
  /** A subquery with a row for each string in a JSON array. */
  readonly among: (value: string) => string;
  /** Appended to an INSERT, to replace an expired row; `undefined`: an UPDATE after a duplicate key error does that. */
  readonly onConflict: string | undefined;
  readonly removeExpired: (limit: number) => string;
  readonly isDuplicate: (error: unknown) => boolean;
  readonly isMissingTable: (error: unknown) => boolean;
  /** The engine aborted the statement because of a deadlock or a serialization failure; nothing was applied. */
  readonly isAborted: (error: unknown) => boolean;
}

/** The SQLSTATE, which Bun has in `errno`. */
const codeOf = (error: unknown) => {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return String(code === "ERR_POSTGRES_SERVER_ERROR" ? errno : code);
};
const errnoOf = (error: unknown) => Number((error as { errno?: unknown }).errno);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : "");

/** Replaces the columns of an expired row, for engines with `ON CONFLICT`. */
const TAKE_OVER = `ON CONFLICT (id) DO UPDATE SET commit_id = excluded.commit_id, record = excluded.record,
    expires_at = excluded.expires_at, sweep_at = excluded.sweep_at WHERE hipflask_sessions.expires_at <=`;

const POSTGRES_NOW = "(date_part('epoch', statement_timestamp()) * 1000)::bigint";

/**
 * PostgreSQL and compatible databases. Correct under READ COMMITTED: an UPDATE that waited for a lock evaluates its WHERE again.
 * A fill factor of 70, and no index on a column that every save changes, allow HOT updates, which do not
 * touch the indexes.
 */
export const POSTGRES: Dialect = {
  name: "PostgreSQL",
  schema: [
    `CREATE TABLE IF NOT EXISTS hipflask_sessions (
  id text COLLATE "C" PRIMARY KEY,
  commit_id text COLLATE "C" NOT NULL,
  record text NOT NULL,
  expires_at bigint NOT NULL,
  sweep_at bigint NOT NULL
) WITH (fillfactor = 70)`,
    "CREATE INDEX IF NOT EXISTS hipflask_sessions_sweep_at ON hipflask_sessions (sweep_at)",
  ],
  now: POSTGRES_NOW,
  // As text: an application may have its own parser for big integers, and pg misreads them in binary mode.
  clock: `${POSTGRES_NOW}::text`,
  numbered: (index) => `$${index}`,
  integer: (value) => `${value}::bigint`,
  head: (length) => `left(record, ${length}::int)`,
  divide: "/",
  among: (value) => `SELECT jsonb_array_elements_text(${value}::text::jsonb)`,
  onConflict: `${TAKE_OVER} ${POSTGRES_NOW}`,
  removeExpired: (limit) => `DELETE FROM hipflask_sessions WHERE id IN (SELECT id FROM hipflask_sessions
    WHERE sweep_at <= ${POSTGRES_NOW} ORDER BY sweep_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
  // IF NOT EXISTS still fails if another process is creating the same table or index at that moment.
  isDuplicate: (error) => ["23505", "42P07", "42710"].includes(codeOf(error)),
  isMissingTable: (error) => codeOf(error) === "42P01",
  isAborted: (error) => ["40001", "40P01"].includes(codeOf(error)),
};

/** The time in UTC: `NOW()` is in the session's time zone, where one hour repeats when daylight saving time ends. */
const MYSQL_NOW = "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)";

/** MariaDB and MySQL. */
export const MYSQL: Dialect = {
  name: "MySQL",
  schema: [
    `CREATE TABLE IF NOT EXISTS hipflask_sessions (
  id VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  commit_id CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  record MEDIUMTEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  sweep_at BIGINT NOT NULL,
  INDEX hipflask_sessions_sweep_at (sweep_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
  now: MYSQL_NOW,
  integer: (value) => `CAST(${value} AS SIGNED)`,
  head: (length) => `LEFT(record, CAST(${length} AS SIGNED))`,
  divide: "DIV",
  among: (value) => `SELECT j.id FROM JSON_TABLE(${value}, '$[*]' COLUMNS (
    id VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin PATH '$')) AS j`,
  onConflict: undefined,
  removeExpired: (limit) =>
    `DELETE FROM hipflask_sessions WHERE sweep_at <= ${MYSQL_NOW} ORDER BY sweep_at LIMIT ${limit}`,
  // HTTP drivers only pass on the server's message.
  isDuplicate: (error) => errnoOf(error) === 1062 || messageOf(error).includes("(errno 1062)"),
  isMissingTable: (error) => errnoOf(error) === 1146 || messageOf(error).includes("(errno 1146)"),
  // A deadlock, or a row that changed after the snapshot, which MariaDB 11.6 and later does not update.
  isAborted: (error) => [1213, 1020].includes(errnoOf(error)) || messageOf(error).includes("(errno 1213)"),
};

const SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/** SQLite 3.38 or later, and compatible databases. */
export const SQLITE: Dialect = {
  name: "SQLite",
  schema: [
    `CREATE TABLE IF NOT EXISTS hipflask_sessions (
  id TEXT PRIMARY KEY NOT NULL,
  commit_id TEXT NOT NULL,
  record TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  sweep_at INTEGER NOT NULL
) WITHOUT ROWID`,
    "CREATE INDEX IF NOT EXISTS hipflask_sessions_sweep_at ON hipflask_sessions (sweep_at)",
  ],
  now: SQLITE_NOW,
  integer: (value) => `CAST(${value} AS INTEGER)`,
  head: (length) => `substr(record, 1, CAST(${length} AS INTEGER))`,
  divide: "/",
  among: (value) => `SELECT value FROM json_each(${value})`,
  onConflict: `${TAKE_OVER} ${SQLITE_NOW}`,
  removeExpired: (limit) => `DELETE FROM hipflask_sessions WHERE id IN
    (SELECT id FROM hipflask_sessions WHERE sweep_at <= ${SQLITE_NOW} ORDER BY sweep_at LIMIT ${limit})`,
  isDuplicate: () => false,
  isMissingTable: (error) => messageOf(error).includes("no such table"),
  isAborted: () => false,
};

export const DIALECTS = { postgres: POSTGRES, mysql: MYSQL, sqlite: SQLITE } as const;
