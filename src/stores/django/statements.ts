import { ConfigError } from "../../errors.ts";
import type { SqlDatabase } from "../sql/database.ts";
import { offsetOf } from "./local-time.ts";

/** The SQL for Django's session table that differs between databases. */
export interface DjangoDialect {
  readonly placeholder: (index: number) => string;
  /** An SQL expression for a time, given as the text that `instant` returns. */
  readonly moment: (placeholder: string) => string;
  /** A condition: both texts are equal, case-sensitively. */
  readonly same: (column: string, placeholder: string) => string;
  /** The time this many milliseconds after `now` (epoch milliseconds), as Django stores it. */
  readonly instant: (now: number, later: number) => string;
  readonly isDuplicate: (error: unknown) => boolean;
  /** The engine aborted the statement because of a deadlock or a serialization failure; nothing was applied. */
  readonly isAborted: (error: unknown) => boolean;
}

/** The statements. Each comment lists the values in the order of the placeholders. */
export interface DjangoStatements {
  /** key, now */
  readonly read: string;
  /** key, content, expiry */
  readonly insert: string;
  /** content, expiry, key, now: replaces an expired row */
  readonly takeOver: string;
  /** content, expiry, key, now, expected content */
  readonly replace: string;
  /** key, now */
  readonly remove: string;
  /** key, now, expected content */
  readonly removeExpected: string;
}

const codeOf = (error: unknown) => String((error as { code?: unknown }).code);
const errnoOf = (error: unknown) => (error as { errno?: unknown }).errno;
const quoteAsIs = (placeholder: string) => placeholder;

/**
 * PostgreSQL: the column has a time zone regardless of the project's settings. With USE_TZ off, Django adds the lifetime to the
 * local time, so a week later is the same time of day even if daylight saving time begins or ends in between.
 */
function djangoPostgres(timeZone: string): DjangoDialect {
  return {
    placeholder: (index) => `$${index}`,
    moment: (placeholder) => `CAST(${placeholder} AS timestamptz)`,
    same: (column, placeholder) => `${column} = ${placeholder}`,
    instant: (now, later) => {
      const before = offsetOf(timeZone, now);
      const change = later === 0 ? 0 : offsetOf(timeZone, now + later) - before;
      return new Date(now + later - change).toISOString();
    },
    isDuplicate: (error) => codeOf(error) === "23505",
    isAborted: (error) => ["40001", "40P01"].includes(codeOf(error)),
  };
}

/** Other databases: Django stores UTC, or with USE_TZ off the local time of TIME_ZONE, to which it adds the lifetime. */
function djangoMysql(timeZone: string): DjangoDialect {
  return {
    placeholder: () => "?",
    moment: quoteAsIs,
    // Most collations are case-insensitive, and base64 is case-sensitive.
    same: (column, placeholder) => `CAST(${column} AS BINARY) = CAST(${placeholder} AS BINARY)`,
    instant: (now, later) => wallClock(now + offsetOf(timeZone, now) + later),
    isDuplicate: (error) => errnoOf(error) === 1062,
    isAborted: (error) => errnoOf(error) === 1213,
  };
}

/** @see djangoMysql */
function djangoSqlite(timeZone: string): DjangoDialect {
  return {
    placeholder: () => "?",
    moment: quoteAsIs,
    same: (column, placeholder) => `${column} = ${placeholder}`,
    instant: (now, later) => wallClock(now + offsetOf(timeZone, now) + later),
    isDuplicate: (error) =>
      codeOf(error).startsWith("SQLITE_CONSTRAINT") ||
      (Number((error as { errcode?: unknown }).errcode) & 0xff) === 19,
    isAborted: () => false,
  };
}

/** The SQL for a dialect. PostgreSQL stores times with a time zone, the others in UTC or in `timeZone`. */
export function djangoDialect(dialect: SqlDatabase["dialect"], timeZone: string): DjangoDialect {
  // Rejects an unknown time zone before the first request.
  offsetOf(timeZone, 0);
  if (dialect === "postgres") return djangoPostgres(timeZone);
  return dialect === "mysql" ? djangoMysql(timeZone) : djangoSqlite(timeZone);
}

/** @throws ConfigError for a table that is not a name */
export function djangoStatements(table: string, dialect: DjangoDialect): DjangoStatements {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/.test(table)) {
    throw new ConfigError('"table" must be the name of a table, optionally with its schema: "schema.table".');
  }
  const { moment, same } = dialect;
  const at = moment("?");
  const live = `session_key = ? AND expire_date > ${at}`;
  const update = `UPDATE ${table} SET session_data = ?, expire_date = ${at}`;
  return numbered(dialect, {
    read: `SELECT session_data AS content FROM ${table} WHERE ${live}`,
    insert: `INSERT INTO ${table} (session_key, session_data, expire_date) VALUES (?, ?, ${at})`,
    takeOver: `${update} WHERE session_key = ? AND expire_date <= ${at}`,
    replace: `${update} WHERE ${live} AND ${same("session_data", "?")}`,
    remove: `DELETE FROM ${table} WHERE ${live}`,
    removeExpected: `DELETE FROM ${table} WHERE ${live} AND ${same("session_data", "?")}`,
  });
}

function numbered({ placeholder }: DjangoDialect, statements: DjangoStatements): DjangoStatements {
  const entries = Object.entries(statements).map(([verb, sql]: [string, string]) => {
    let index = 0;
    return [verb, sql.replaceAll("?", () => placeholder(++index))];
  });
  return Object.fromEntries(entries) as DjangoStatements;
}

/** A local time as text without a time zone. */
function wallClock(local: number): string {
  return `${new Date(local).toISOString().slice(0, -1).replace("T", " ")}000`;
}
