import { ConfigError } from "../../errors.ts";
import type { SqlDatabase } from "../sql/database.ts";

/** What differs between databases for the one table of Django's sessions. */
export interface DjangoDialect {
  readonly placeholder: (index: number) => string;
  /** An instant, given as the text of `instant`, as SQL. */
  readonly moment: (placeholder: string) => string;
  /** A condition: both texts are the same, letter for letter. */
  readonly same: (column: string, placeholder: string) => string;
  /** Epoch milliseconds as Django stores them. */
  readonly instant: (at: number) => string;
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

/** An instant has a zone there, whatever the project's settings. */
const DJANGO_POSTGRES: DjangoDialect = {
  placeholder: (index) => `$${index}`,
  moment: (placeholder) => `CAST(${placeholder} AS timestamptz)`,
  same: (column, placeholder) => `${column} = ${placeholder}`,
  instant: (at) => new Date(at).toISOString(),
  isDuplicate: (error) => codeOf(error) === "23505",
  isSacrificed: (error) => ["40001", "40P01"].includes(codeOf(error)),
};

/** Django keeps instants as UTC, or with USE_TZ off as the time on the wall of TIME_ZONE. */
function djangoMysql(timeZone: string): DjangoDialect {
  return {
    placeholder: () => "?",
    moment: quoteAsIs,
    // Most collations take upper and lower case for the same, and base64 does not.
    same: (column, placeholder) => `CAST(${column} AS BINARY) = CAST(${placeholder} AS BINARY)`,
    instant: wallClock(timeZone),
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
    instant: wallClock(timeZone),
    isDuplicate: (error) =>
      codeOf(error).startsWith("SQLITE_CONSTRAINT") ||
      (Number((error as { errcode?: unknown }).errcode) & 0xff) === 19,
    isSacrificed: () => false,
  };
}

/** How the database of `dialect` keeps instants: one of PostgreSQL has a zone, the others the time in UTC or in `timeZone`. */
export function djangoDialect(dialect: SqlDatabase["dialect"], timeZone: string): DjangoDialect {
  if (dialect === "postgres") return DJANGO_POSTGRES;
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

/** @throws ConfigError for a zone that is not in the tz database */
function wallClock(timeZone: string): (at: number) => string {
  if (timeZone === "UTC") return (at) => `${new Date(at).toISOString().slice(0, -1).replace("T", " ")}000`;
  const format = formatIn(timeZone);
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const { year, month, day, hour, minute, second, fractionalSecond } = parts;
    return `${year}-${month}-${day} ${hour}:${minute}:${second}.${fractionalSecond}000`;
  };
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
    });
  } catch (cause) {
    throw new ConfigError(
      `"timeZone" must be a zone as Django's TIME_ZONE names it, such as "Europe/Paris".`,
      {
        cause,
      },
    );
  }
}
