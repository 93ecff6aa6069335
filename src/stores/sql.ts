import { StoreError } from "../errors.ts";
import type { SqlDatabase, SqlResult, SqlRow } from "./sql/database.ts";
import { DIALECTS, type Dialect } from "./sql/dialect.ts";
import { databaseOf, type SqlHandle } from "./sql/handles.ts";
import { statementsOf, type Statement, type Statements, type Values } from "./sql/statements.ts";
import { backOff, storeError, unexpectedAnswer } from "./parts/attempts.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { GONE, millisecondsOf, OK, conditionFailed, textOf } from "./parts/values.ts";

export type {
  BunSqlHandle,
  D1Handle,
  DrizzleHandle,
  KnexHandle,
  KyselyHandle,
  LibsqlClientHandle,
  MariadbHandle,
  Mysql2Handle,
  NeonHandle,
  PgHandle,
  PGliteHandle,
  PlanetscaleHandle,
  PostgresJsHandle,
  PrismaHandle,
  SqlHandle,
  TursoHandle,
} from "./sql/handles.ts";
export type { SqliteDatabase, SqliteStatement } from "./sqlite/database.ts";
export type { SqlDatabase, SqlResult, SqlRow, SqlValue } from "./sql/database.ts";

/** A store in a SQL database, which needs its table. */
export interface SqlStore extends Store {
  removeExpired(limit: number): Promise<number>;
  /** Creates the table `hipflask_sessions` and its index if they are missing. */
  migrate(): Promise<void>;
}

/** Keys of one statement. */
const BATCH = 500;
/** A row may be swept this part of its lifetime late, so that most updates leave the index of `sweep_at` alone. */
const SWEEP_DELAY = 1 / 8;

/**
 * Sessions in any SQL database that a driver or query builder reaches: every step is a single statement, no transaction and no
 * state of a connection is needed, so it also works over HTTP and behind a pooler in transaction mode. Deadlines are those of
 * the database's own clock.
 *
 * Takes the database that the application has already, of `pg`, `postgres`, PGlite, `@neondatabase/serverless`, `mysql2`,
 * `mariadb`, `@planetscale/database`, `node:sqlite`, `better-sqlite3`, `libsql`, `@libsql/client`,
 * `@tursodatabase/serverless`, D1, Bun's `SQL`, Kysely, Knex, Drizzle or Prisma; anything
 * else by `{ dialect, run }`. It stays yours to close.
 *
 * PostgreSQL 13, MariaDB 10.6, MySQL 8.0, SQLite 3.38, or later, and databases that speak the SQL of one of them.
 *
 * @example
 * ```ts
 * import Database from "libsql";
 * import { sqlStore } from "hipflask/stores/sql";
 *
 * const store = sqlStore(new Database(":memory:"));
 * await store.migrate();
 * ```
 *
 * @throws ConfigError for anything else, with what to write instead
 */
export function sqlStore(database: SqlHandle): SqlStore {
  return new SingleStatementStore(databaseOf(database));
}

class SingleStatementStore implements SqlStore {
  readonly name: string;
  readonly atomic = true;
  readonly #database: SqlDatabase;
  readonly #dialect: Dialect;
  readonly #statements: Statements;

  constructor(database: SqlDatabase) {
    this.#database = database;
    this.#dialect = DIALECTS[database.dialect];
    this.#statements = statementsOf(this.#dialect);
    this.name = database.name ?? this.#dialect.name;
  }

  async read(key: string): Promise<Stored | undefined> {
    const { rows } = await this.#run("read", this.#statements.read, { key });
    return rows[0] && this.#stored("read", rows[0]);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    const { insert, takeOver } = this.#statements;
    const values = { key, ...valuesOf(write) };
    if ((await this.#run("insert", insert, values)).affected > 0) return true;
    return takeOver !== undefined && (await this.#run("insert", takeOver, values)).affected > 0;
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    const values = { key, expected, ...valuesOf(write) };
    const { affected } = await this.#run("replace", this.#statements.replace, values);
    return affected > 0 ? OK : conditionFailed(await this.read(key));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const { remove, removeExpected } = this.#statements;
    const { affected } =
      expected === undefined
        ? await this.#run("remove", remove, { key })
        : await this.#run("remove", removeExpected, { key, expected });
    if (affected > 0) return OK;
    return expected === undefined ? GONE : conditionFailed(await this.read(key));
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    for (let from = 0; from < keys.length; from += BATCH) {
      const batch = JSON.stringify(keys.slice(from, from + BATCH));
      const { rows } = await this.#run("readMany", this.#statements.readMany, { keys: batch, length });
      for (const row of rows) {
        const id = textOf(row.id);
        // Under no name it would count as gone, and its owner's record forget it.
        if (id === undefined) throw this.#unknown("readMany");
        found.set(id, this.#stored("readMany", row));
      }
    }
    return found;
  }

  async removeExpired(limit: number): Promise<number> {
    const text = this.#dialect.removeExpired(Math.trunc(limit));
    return (await this.#run("removeExpired", { text, names: [] }, {})).affected;
  }

  async now(): Promise<number> {
    const { rows } = await this.#run("now", this.#statements.now, {});
    return this.#milliseconds("now", rows[0]?.now);
  }

  async migrate(): Promise<void> {
    for (const text of this.#dialect.schema) {
      const create = () => this.#run("migrate", { text, names: [] }, {});
      // Where another process was creating the same, there is nothing left to do the second time.
      if ((await create()).affected === DUPLICATE) await create();
    }
  }

  async close(): Promise<void> {
    await this.#database.close?.();
  }

  async #run(verb: string, { text, names }: Statement, values: Values): Promise<SqlResult> {
    const list = names.map((name) => values[name]!);
    for (let conflicts = 0; ; await backOff(++conflicts)) {
      try {
        const result = await this.#database.run(text, list);
        if (!Array.isArray(result?.rows) || !Number.isInteger(result.affected)) throw this.#unknown(verb);
        return result;
      } catch (error) {
        if (this.#dialect.isDuplicate(error)) return { rows: [], affected: DUPLICATE };
        if (this.#dialect.isMissingTable(error)) throw this.#missingTable(verb);
        // Such a statement was certainly not applied.
        if (!this.#dialect.isSacrificed(error)) throw storeError(this.name, verb, error);
      }
    }
  }

  /** Drivers give big integers as text or bigint, and texts as bytes: with a binary collation, or because they were told to. */
  #stored(verb: string, { record, commit_id, now }: SqlRow): Stored {
    const [text, commit] = [textOf(record), textOf(commit_id)];
    if (text === undefined || commit === undefined) throw this.#unknown(verb);
    return { text, commit, now: this.#milliseconds(verb, now) };
  }

  #milliseconds(verb: string, now: unknown): number {
    const milliseconds = Number(textOf(now) ?? now);
    if (milliseconds > 0) return milliseconds;
    throw this.#unknown(verb);
  }

  #unknown(verb: string): StoreError {
    const advice = "pass a client that gives rows as objects by column, and texts as texts";
    return unexpectedAnswer(this.name, verb, advice);
  }

  #missingTable(verb: string): StoreError {
    return new StoreError(
      "unavailable",
      `${this.name} could not "${verb}", since its table "hipflask_sessions" is missing: write await store.migrate() at the start, or create it with the output of "npx hipflask schema ${this.#database.dialect}".`,
    );
  }
}

/** What counts for the number of rows where the engine says that a row, or a table, is there already. */
const DUPLICATE = -1;

function valuesOf({ text, commit, lifetime }: Write): Values {
  const milliseconds = millisecondsOf(lifetime);
  const step = 2 ** Math.max(0, Math.floor(Math.log2(milliseconds * SWEEP_DELAY)));
  return { text, commit, lifetime: milliseconds, step };
}
