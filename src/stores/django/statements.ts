import { ConfigError } from "../../errors.ts";
import type { SqlDatabase } from "../sql/database.ts";
import { offsetOf } from "./local-time.ts";

/** What differs between databases for the one table of Django's sessions. */
export interface DjangoDialect {
  readonly placeholder: (index: number) => string;
  /** An instant, given as the text of `instant`, as SQL. */
  readonly moment: (placeholder: string) => string;
  /** A condition: both texts are the same, letter for letter. */
  readonly same: (column: string, placeholder: string) => string;
  /** So many milliseconds from now (epoch milliseconds), as Django stores it. */
  readonly instant: (now: number, later: number) => string;
  readonly isDuplicate: (error: unknown) => boolean;
  /** The engine gave up on the statement to let another one through; nothing was applied. */
  readonly isSacrificed: (error: unknown) => boolean;
}

/** The statements, each with its values in the order of its placeholders. */
export interface DjangoStatements {
  /** key, now */
  readonly read: string;
  /** key, content, expiry */
  readonly insert: string;
  /** content, expiry, key, now: takes the place of an expired row */
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
 * An instant has a zone there, whatever the project's settings. With USE_TZ off Django adds to the local time, so that a week
 * in which clocks change ends at the same time of day.
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
    isSacrificed: (error) => ["40001", "40P01"].includes(codeOf(error)),
  };
}

/** Django keeps instants as UTC, or with USE_TZ off as the local time of TIME_ZONE, to which it adds as to any other. */
function djangoMysql(timeZone: string): DjangoDialect {
  return {
    placeholder: () => "?",
    moment: quoteAsIs,
    // Most collations take upper and lower case for the same, and base64 does not.
    same: (column, placeholder) => `CAST(${column} AS BINARY) = CAST(${placeholder} AS BINARY)`,
    instant: (now, later) => wallClock(now + offsetOf(timeZone, now) + later),
    isDuplicate: (error) => errnoOf(error) === 1062,
    isSacrificed: (error) => errnoOf(error) === 1213,
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
    isSacrificed: () => false,
  };
}

/** How the database of `dialect` keeps instants: one of PostgreSQL has a zone, the others the time in UTC or in `timeZone`. */
export function djangoDialect(dialect: SqlDatabase["dialect"], timeZone: string): DjangoDialect {
  // Refuses a zone that does not exist before the first request.
  offsetOf(timeZone, 0);
  if (dialect === "postgres") return djangoPostgres(timeZone);
  return dialect === "mysql" ? djangoMysql(timeZone) : djangoSqlite(timeZone);
}

/** @throws ConfigError for a table that is not a name */
export function djangoStatements(table: string, dialect: DjangoDialect): DjangoStatements {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/.test(table)) {
    throw new ConfigError('"table" must be the name of a table, perhaps with its schema in front.');
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

/** A local time as a text without a zone. */
function wallClock(local: number): string {
  return `${new Date(local).toISOString().slice(0, -1).replace("T", " ")}000`;
}
