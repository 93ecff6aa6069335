import { checkCount } from "../check-options.ts";
import { StoreError } from "../errors.ts";
import type { SqlDatabase, SqlResult, SqlRow } from "./sql/database.ts";
import { DIALECTS, type Dialect } from "./sql/dialect.ts";
import { databaseOf, type SqlHandle } from "./sql/handles.ts";
import { statementsOf, type Statement, type Statements, type Values } from "./sql/statements.ts";
import { storeError, unexpectedAnswer } from "./parts/driver-errors.ts";
import { backOff } from "./parts/store-calls.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { GONE, OK, conditionFailed, textOf } from "./parts/values.ts";

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
/**
 * A row's removal may be delayed by this fraction of its lifetime, so that most updates need not change the index on
 * `sweep_at`.
 */
const SWEEP_DELAY = 1 / 8;

/**
 * Keeps sessions in a SQL database, with any driver or query builder. Every step is a single statement and needs no transaction
 * or connection state, so it also works over HTTP and behind a pooler in transaction mode. Records expire by the database's
 * clock.
 *
 * Takes the database object that the application already has, of `pg`, `postgres`, PGlite, `@neondatabase/serverless`, `mysql2`,
 * `mariadb`, `@planetscale/database`, `node:sqlite`, `better-sqlite3`, `libsql`, `@libsql/client`,
 * `@tursodatabase/serverless`, D1, Bun's `SQL`, Kysely, Knex, Drizzle or Prisma; anything
 * else as `{ dialect, run }`. Closing it is up to you.
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
  checkCount("sqlStore", arguments, 1, "settings belong to the database, as in sqlStore({ dialect, run })");
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
        // Without an id, the session would count as gone and be removed from its owner's record.
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
      // If another process was creating the same table or index, the second attempt finds it.
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
        // An aborted statement was not applied, so it is tried again.
        if (!this.#dialect.isAborted(error)) throw storeError(this.name, verb, error);
      }
    }
  }

  /**
   * Drivers return big integers as strings or bigint, and texts as bytes if the collation is binary or they are
   * configured to.
   */
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
    const advice =
      "pass a client that returns rows as objects with columns as properties, and text as strings";
    return unexpectedAnswer(this.name, verb, advice);
  }

  #missingTable(verb: string): StoreError {
    return new StoreError(
      "unavailable",
      `${this.name} could not "${verb}", since its table "hipflask_sessions" is missing: write await store.migrate() at the start, or create it with the output of "npx hipflask schema ${this.#database.dialect}".`,
    );
  }
}

/** Used as the number of rows when the engine reports that the row or the table exists already. */
const DUPLICATE = -1;

function valuesOf({ text, commit, lifetime }: Write): Values {
  const milliseconds = Math.ceil(lifetime * 1000);
  const step = 2 ** Math.max(0, Math.floor(Math.log2(milliseconds * SWEEP_DELAY)));
  return { text, commit, lifetime: milliseconds, step };
}
