/** What differs between databases for the one table. */
export interface Dialect {
  /** For messages. */
  readonly name: string;
  /** The schema, statement by statement; each may run again. */
  readonly schema: readonly string[];
  /** Epoch milliseconds at the start of the statement. */
  readonly now: string;
  /** The same as a column, where that is safer as text. Default {@link now}. */
  readonly clock?: string;
  /** How value number `index` is spelled; `undefined` where values have no numbers and are sent as often as they are named. */
  readonly numbered?: (index: number) => string;
  /** A whole number, also where the driver sends it as text or with a fraction. */
  readonly integer: (value: string) => string;
  /** The first characters of a record. */
  readonly head: (length: string) => string;
  /** Division of whole numbers. */
  readonly divide: string;
  /** The rows of a text that is a JSON array of texts, as a subquery. */
  readonly among: (value: string) => string;
  /** Follows an INSERT: takes the place of an expired row. `undefined`: that is an UPDATE after the error "duplicate". */
  readonly onConflict: string | undefined;
  readonly removeExpired: (limit: number) => string;
  readonly isDuplicate: (error: unknown) => boolean;
  readonly isMissingTable: (error: unknown) => boolean;
  /** The engine gave up on the statement to let another one through; nothing was applied. */
  readonly isSacrificed: (error: unknown) => boolean;
}

/** PostgreSQL's own; Bun has it in `errno`. */
const codeOf = (error: unknown) => {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return String(code === "ERR_POSTGRES_SERVER_ERROR" ? errno : code);
};
const errnoOf = (error: unknown) => Number((error as { errno?: unknown }).errno);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : "");

/** The columns that an expired row gets in place of its own, where the engine has `ON CONFLICT`. */
const TAKE_OVER = `ON CONFLICT (id) DO UPDATE SET commit_id = excluded.commit_id, record = excluded.record,
    expires_at = excluded.expires_at, sweep_at = excluded.sweep_at WHERE hipflask_sessions.expires_at <=`;

const POSTGRES_NOW = "(date_part('epoch', statement_timestamp()) * 1000)::bigint";

/**
 * PostgreSQL and its relatives. Sound under READ COMMITTED: an UPDATE that waited looks again at its WHERE. A free third of each
 * page, and no index on a column that every save changes, let an UPDATE leave all indexes alone.
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
  // An application may have its own parser for big integers, and pg spoils them where it was told to get bytes.
  clock: `${POSTGRES_NOW}::text`,
  numbered: (index) => `$${index}`,
  integer: (value) => `${value}::bigint`,
  head: (length) => `left(record, ${length}::int)`,
  divide: "/",
  among: (value) => `SELECT jsonb_array_elements_text(${value}::text::jsonb)`,
  onConflict: `${TAKE_OVER} ${POSTGRES_NOW}`,
  removeExpired: (limit) => `DELETE FROM hipflask_sessions WHERE id IN (SELECT id FROM hipflask_sessions
    WHERE sweep_at <= ${POSTGRES_NOW} ORDER BY sweep_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
  // IF NOT EXISTS meets a table or an index that is being created, too: in the catalogue, or by name.
  isDuplicate: (error) => ["23505", "42P07", "42710"].includes(codeOf(error)),
  isMissingTable: (error) => codeOf(error) === "42P01",
  isSacrificed: (error) => ["40001", "40P01"].includes(codeOf(error)),
};

/** The time in UTC: `NOW()` is the time of the session's zone, in which an hour of each autumn happens twice. */
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
  // HTTP drivers pass on the server's message alone.
  isDuplicate: (error) => errnoOf(error) === 1062 || messageOf(error).includes("(errno 1062)"),
  isMissingTable: (error) => errnoOf(error) === 1146 || messageOf(error).includes("(errno 1146)"),
  // A deadlock; and a row that changed after the snapshot, which MariaDB from 11.6 on refuses to update.
  isSacrificed: (error) => [1213, 1020].includes(errnoOf(error)) || messageOf(error).includes("(errno 1213)"),
};

const SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/** SQLite and its relatives, of version 3.24 or later. */
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
  isSacrificed: () => false,
};

export const DIALECTS = { postgres: POSTGRES, mysql: MYSQL, sqlite: SQLITE } as const;
