import { ConfigError } from "../../errors.ts";
import { DJANGO_POSTGRES, djangoMysql, djangoSqlite, type DjangoDialect } from "./statements.ts";
import { mysqlConnection, type MysqlQueryable } from "../mysql-pool.ts";
import { postgresConnection, type PostgresQueryable } from "../postgres-pool.ts";
import type { SqlConnection } from "../sql/engine.ts";
import type { Row } from "../sql/row.ts";
import { openSqlite, unlessBusy, type SqliteDatabase } from "../sqlite/database.ts";

/**
 * The database of a Django project: a `Pool` of `pg`, a pool of `mysql2/promise`, or for SQLite the path of its file or an
 * open database of `node:sqlite`, `libsql` or `better-sqlite3`.
 */
export type DjangoDatabase = PostgresQueryable | MysqlQueryable | SqliteDatabase | string;

/** A database that takes statements, and how it likes them. */
export interface DjangoConnection extends SqlConnection {
  readonly dialect: DjangoDialect;
  /** Closes what was opened here. */
  close(): Promise<void>;
}

/** Seconds to wait for Django to finish writing to the same file. */
const BUSY_TIMEOUT = 2;

/** @throws ConfigError for anything that is no database */
export function djangoConnection(database: DjangoDatabase, timeZone: string): DjangoConnection {
  if (typeof database === "string") return sqliteConnection(database, timeZone);
  // A pool of mysql2 has `query` as well, and a database of SQLite `prepare` like a connection of mysql2.
  if ("execute" in database)
    return { ...mysqlConnection(database), dialect: djangoMysql(timeZone), close: nothingToClose };
  if ("prepare" in database) return sqliteConnection(database, timeZone);
  if ("query" in database)
    return { ...postgresConnection(database), dialect: DJANGO_POSTGRES, close: nothingToClose };
  throw new ConfigError(
    "djangoSessions takes a Pool of pg, a pool of mysql2/promise, or a SQLite database or its path; this is none of them.",
  );
}

function sqliteConnection(file: string | SqliteDatabase, timeZone: string): DjangoConnection {
  let opened: Promise<SqliteDatabase> | undefined;
  const open = () => {
    opened ??= Promise.resolve(typeof file === "string" ? openSqlite(file) : file);
    return opened;
  };
  return {
    dialect: djangoSqlite(timeZone),
    async query(text, values) {
      const db = await open();
      return unlessBusy(() => {
        const statement = db.prepare(text);
        const parameters = values as string[];
        if (text.startsWith("SELECT")) {
          const rows = statement.all(...parameters) as Row[];
          return { rows, affected: rows.length };
        }
        return { rows: [], affected: Number(statement.run(...parameters).changes) };
      }, BUSY_TIMEOUT);
    },
    async close() {
      if (opened && typeof file === "string") (await opened).close();
      opened = undefined;
    },
  };
}

/** A client that was passed in stays open: it is its owner's. */
async function nothingToClose(): Promise<void> {}
