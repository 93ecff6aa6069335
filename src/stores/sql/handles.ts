import { ConfigError } from "../../errors.ts";
import { addressOf } from "../parts/address.ts";
import { closed, has, refusal } from "../parts/clients.ts";
import type { SqliteDatabase } from "../sqlite/database.ts";
import type { SqlDatabase, SqlRow, SqlValue } from "./database.ts";
import { mysql2Of } from "./mysql2.ts";
import { AS_TEXT, isPg, openPg, pgDatabase, type OfPgAlone, type PostgresPool } from "./pg.ts";
import { openSqliteHandle, sqliteDatabase } from "./sqlite.ts";

/* oxlint-disable typescript/no-explicit-any -- drivers want types of their own for values and options, ours fit */

/** The methods used of a `Pool` or a connected `Client` of `pg`, or a `Pool` of `@neondatabase/serverless`. */
export interface PgHandle extends OfPgAlone {
  query(query: any, values?: any): any;
  connect(...args: any[]): any;
}

/** The methods used of `sql` of `postgres` (postgres.js). */
export interface PostgresJsHandle {
  unsafe(text: string, values?: any[], options?: any): PromiseLike<any>;
  readonly parameters: unknown;
}

/** The methods used of Bun's own client, `new SQL(url)`: PostgreSQL, MySQL, MariaDB or SQLite. */
export interface BunSqlHandle {
  unsafe(text: string, values?: any[]): PromiseLike<any>;
  flush(): void;
  readonly options: { readonly adapter?: string };
}

/** The methods used of a `PrismaClient`. */
export interface PrismaHandle {
  $queryRawUnsafe(text: string, ...values: any[]): PromiseLike<any>;
  $executeRawUnsafe(text: string, ...values: any[]): PromiseLike<number>;
}

/** The methods used of `neon()` of `@neondatabase/serverless`. */
export interface NeonHandle {
  (text: TemplateStringsArray, ...values: any[]): any;
  query(text: string, values?: any[], options?: any): PromiseLike<any>;
  transaction(...args: any[]): any;
}

/** The methods used of a `PGlite`. */
export interface PGliteHandle {
  query(text: string, values?: any[], options?: any): Promise<any>;
  readonly waitReady: Promise<void>;
}

/** The methods used of a pool or connection of `mysql2`, with or without promises. */
export interface Mysql2Handle {
  execute(statement: any, values?: any): any;
  query(statement: any, values?: any): any;
  format(text: string, values?: any): string;
}

/** The methods used of a pool or connection of `mariadb`. */
export interface MariadbHandle {
  execute(statement: any, values?: any): Promise<any>;
  batch(statement: any, values?: any): Promise<any>;
  importFile(options: any): Promise<void>;
}

/** The methods used of a client or connection of `@planetscale/database`. */
export interface PlanetscaleHandle {
  execute(text: string, values?: any, options?: any): Promise<{ rows: any[]; rowsAffected: number }>;
  transaction(work: any): Promise<any>;
}

/** The methods used of a client of `@libsql/client`. */
export interface LibsqlClientHandle {
  execute(statement: any): Promise<{ rows: any[]; rowsAffected: number }>;
  executeMultiple(text: string): Promise<void>;
}

/** The methods used of a D1 database of Cloudflare. */
export interface D1Handle {
  prepare(text: string): { bind(...values: any[]): { run(): Promise<any> } };
  batch(statements: any[]): Promise<any>;
}

/**
 * The methods used of a connection of `@tursodatabase/serverless`,, except `run`: if declared here, TypeScript could
 * no longer tell it from `{ dialect, run }`.
 */
export interface TursoHandle {
  all(text: string, values: any): Promise<any[]>;
  batch(statements: any[], ...options: any[]): Promise<any>;
}

/** The methods used of a `knex`: the connections of its driver. */
export interface KnexHandle {
  raw(...args: any[]): any;
  readonly client: {
    readonly driverName: string;
    acquireConnection(): Promise<object>;
    releaseConnection(connection: object): Promise<unknown>;
  };
}

/** The methods used of a `Kysely`. */
export interface KyselyHandle {
  getExecutor(): { readonly adapter: object };
  executeQuery(query: any): Promise<any>;
  withoutPlugins(): any;
}

/** The methods used of a database of `drizzle-orm`: the client beneath it. */
export interface DrizzleHandle {
  readonly $client: unknown;
}

/** The database objects that `sqlStore` accepts. */
export type SqlHandle =
  | SqlDatabase
  | PgHandle
  | PostgresJsHandle
  | NeonHandle
  | PGliteHandle
  | Mysql2Handle
  | MariadbHandle
  | PlanetscaleHandle
  | LibsqlClientHandle
  | D1Handle
  | SqliteDatabase
  | BunSqlHandle
  | TursoHandle
  | PrismaHandle
  | KyselyHandle
  | KnexHandle
  | DrizzleHandle;

const TAKEN =
  "pg, postgres (postgres.js), PGlite, @neondatabase/serverless, mysql2, mariadb, @planetscale/database, node:sqlite, better-sqlite3, libsql, @libsql/client, @tursodatabase/serverless, D1, Bun's SQL, Kysely, Knex, Drizzle, Prisma, or { dialect, run }";

/** Seconds to wait for another process that writes to the same file. */
const BUSY_TIMEOUT = 2;

/**
 * Converts a database object to the interface that the store uses. Drivers are recognized by methods that only they have.
 *
 * @throws ConfigError for anything else, with what to write instead
 */
export function databaseOf(handle: SqlHandle): SqlDatabase {
  const is = (...names: string[]) => has(handle, ...names);
  // Checked first: a Drizzle database has a dialect, and some have `run`.
  if (is("$client")) return databaseOf((handle as DrizzleHandle).$client as SqlHandle);
  if (is("dialect", "run")) return handle as SqlDatabase;
  if (is("raw", "client", "migrate")) return knex(handle as KnexHandle);
  if (is("getExecutor", "executeQuery")) return kysely(handle as KyselyHandle);
  if (is("unsafe", "parameters")) return postgresJs(handle as PostgresJsHandle);
  if (is("unsafe", "flush", "options")) return bunSql(handle as BunSqlHandle);
  if (is("$queryRawUnsafe", "$executeRawUnsafe")) return prisma(handle as PrismaHandle);
  if (is("query", "waitReady")) return pglite(handle as PGliteHandle);
  if (is("executeMultiple")) return libsqlClient(handle as LibsqlClientHandle);
  if (is("importFile", "batch")) return mariadb(handle as MariadbHandle);
  if (is("execute", "query", "format")) return mysql2Of("sqlStore", handle as Mysql2Handle);
  if (is("execute", "transaction")) return planetscale(handle as PlanetscaleHandle);
  if (is("prepare", "batch", "run", "all")) return turso(handle as TursoHandle);
  if (is("prepare", "batch")) return d1(handle as D1Handle);
  if (is("prepare", "exec")) {
    const db = openSqliteHandle("sqlStore", handle as SqliteDatabase);
    return sqliteDatabase(db, { busyTimeout: BUSY_TIMEOUT });
  }
  if (typeof handle === "function" && is("query", "transaction")) return neon(handle as NeonHandle);
  if (is("connect") && isPg(handle)) return pgDatabase(openPg("sqlStore", handle as unknown as PostgresPool));
  throw refusal("sqlStore", `a database of ${TAKEN}`, handle);
}

/** The methods used of a query of postgres.js. */
interface RawQuery {
  raw(): PromiseLike<Uint8Array[][] & { count: number; columns?: { name: string }[] }>;
}

function postgresJs(sql: PostgresJsHandle): SqlDatabase {
  return {
    dialect: "postgres",
    name: addressOf("PostgreSQL", sql),
    async run(text, values) {
      const query = sql.unsafe(text, values, { prepare: text.includes("$1") }) as unknown as RawQuery;
      // `raw()` returns bytes in column order, regardless of how the client is configured to transform names, types
      // and values.
      const rows = await query.raw();
      const names = rows.columns?.map(({ name }) => ownName(name));
      return {
        rows: rows.map((row) => Object.fromEntries(row.map((value, at) => [names?.[at], value]))),
        affected: rows.count ?? 0,
      };
    },
  };
}

function bunSql(sql: BunSqlHandle): SqlDatabase {
  const { adapter } = sql.options;
  const dialect = adapter === "mariadb" ? "mysql" : adapter;
  if (dialect !== "postgres" && dialect !== "mysql" && dialect !== "sqlite") {
    throw new ConfigError(
      `sqlStore supports Bun's SQL with PostgreSQL, MySQL, MariaDB and SQLite, not with "${adapter}"; pass { dialect, run } instead.`,
    );
  }
  return {
    dialect,
    async run(text, values) {
      const rows = (await sql.unsafe(text, values)) as SqlRow[] & { count: number };
      return { rows, affected: rows.count ?? 0 };
    },
  };
}

/** Names of Prisma's providers. */
const PROVIDERS: Readonly<Record<string, SqlDatabase["dialect"]>> = {
  postgresql: "postgres",
  cockroachdb: "postgres",
  mysql: "mysql",
  sqlite: "sqlite",
};

function prisma(client: PrismaHandle): SqlDatabase {
  const provider = String((client as { _activeProvider?: unknown })._activeProvider);
  const dialect = PROVIDERS[provider];
  if (dialect === undefined) {
    throw new ConfigError(
      `sqlStore supports Prisma with PostgreSQL, MySQL and SQLite, not with "${provider}"; pass { dialect, run } instead.`,
    );
  }
  return {
    dialect,
    name: "Prisma",
    async run(text, values) {
      try {
        if (!text.startsWith("SELECT")) {
          return { rows: [], affected: await client.$executeRawUnsafe(text, ...values) };
        }
        return { rows: (await client.$queryRawUnsafe(text, ...values)) as SqlRow[], affected: 0 };
      } catch (error) {
        throw insideOf(error);
      }
    },
  };
}

/** The error of the database that Prisma has wrapped. */
function insideOf(error: unknown): unknown {
  const { meta } = error as {
    meta?: {
      code?: unknown;
      message?: unknown;
      driverAdapterError?: { cause?: { originalCode?: unknown; originalMessage?: unknown } };
    };
  };
  const { originalCode: code = meta?.code, originalMessage: message = meta?.message } =
    meta?.driverAdapterError?.cause ?? {};
  if (code === undefined) return error;
  return Object.assign(new Error(String(message)), { code, errno: Number(code) });
}

function neon(sql: NeonHandle): SqlDatabase {
  return {
    dialect: "postgres",
    async run(text, values) {
      const options = { fullResults: true, arrayMode: false, types: AS_TEXT };
      const { rows, rowCount } = (await sql.query(text, values, options)) as {
        rows: SqlRow[];
        rowCount: number;
      };
      return { rows, affected: rowCount ?? 0 };
    },
  };
}

function pglite(db: PGliteHandle): SqlDatabase {
  if ((db as { closed?: unknown }).closed === true) throw closed("sqlStore", "a PGlite");
  return {
    dialect: "postgres",
    name: "PGlite",
    async run(text, values) {
      // Big integers as strings: PGlite rejects numbers for them.
      const asText = text.includes("$1") ? values.map(String) : values;
      const options = {
        rowMode: "object",
        parsers: { 25: String },
        serializers: { 20: String, 25: String },
      };
      const { rows, affectedRows = 0 } = (await db.query(text, asText, options)) as {
        rows: SqlRow[];
        affectedRows?: number;
      };
      return { rows, affected: affectedRows };
    },
  };
}

function mariadb(pool: MariadbHandle): SqlDatabase {
  const options = { rowsAsArray: false, nestTables: false, namedPlaceholders: false, metaAsArray: false };
  return {
    dialect: "mysql",
    name: "MariaDB",
    async run(sql, values) {
      const result = (await pool.execute({ sql, ...options, typeCast: uncast }, values)) as SqlRow[] & {
        affectedRows?: number;
      };
      if (Array.isArray(result)) return { rows: result, affected: 0 };
      return { rows: [], affected: (result as { affectedRows: number }).affectedRows };
    },
  };
}

function planetscale(client: PlanetscaleHandle): SqlDatabase {
  return {
    dialect: "mysql",
    name: "PlanetScale",
    async run(text, values) {
      const { rows, rowsAffected } = await client.execute(text, values, { as: "object" });
      return { rows: rows as SqlRow[], affected: rowsAffected };
    },
  };
}

function libsqlClient(client: LibsqlClientHandle): SqlDatabase {
  if ((client as { closed?: unknown }).closed === true)
    throw closed("sqlStore", "a client of @libsql/client");
  return {
    dialect: "sqlite",
    name: "libSQL",
    async run(sql, args) {
      const { rows, rowsAffected } = await client.execute({ sql, args });
      return { rows: rows as SqlRow[], affected: rowsAffected };
    },
  };
}

function d1(db: D1Handle): SqlDatabase {
  return {
    dialect: "sqlite",
    name: "D1",
    async run(text, values) {
      const { results = [], meta } = (await db
        .prepare(text)
        .bind(...values)
        .run()) as { results?: SqlRow[]; meta: { changes?: number } };
      return { rows: results, affected: meta.changes ?? 0 };
    },
  };
}

interface TursoConnection extends TursoHandle {
  run(text: string, values: readonly SqlValue[]): Promise<{ changes: number }>;
}

function turso(db: TursoHandle): SqlDatabase {
  return {
    dialect: "sqlite",
    name: "Turso",
    async run(text, values) {
      if (text.startsWith("SELECT")) return { rows: (await db.all(text, values)) as SqlRow[], affected: 0 };
      const { changes } = await (db as TursoConnection).run(text, values);
      return { rows: [], affected: changes };
    },
  };
}

/** Knex drivers that `databaseOf` supports. */
const KNEX_DRIVERS: Readonly<Record<string, SqlDatabase["dialect"]>> = {
  pg: "postgres",
  cockroachdb: "postgres",
  mysql2: "mysql",
  "better-sqlite3": "sqlite",
};

function knex({ client }: KnexHandle): SqlDatabase {
  const dialect = KNEX_DRIVERS[client.driverName];
  if (dialect === undefined) {
    throw new ConfigError(
      `sqlStore supports Knex with the drivers pg, mysql2 and better-sqlite3, not with "${client.driverName}"; pass { dialect, run } instead.`,
    );
  }
  const databases = new WeakMap<object, SqlDatabase>();
  return {
    dialect,
    name: "Knex",
    async run(text, values) {
      const connection = await client.acquireConnection();
      try {
        const database = databases.get(connection) ?? databaseOf(connection as SqlHandle);
        databases.set(connection, database);
        return await database.run(text, values);
      } finally {
        await client.releaseConnection(connection);
      }
    },
  };
}

function kysely(handle: KyselyHandle): SqlDatabase {
  const adapter = handle.getExecutor().adapter.constructor.name.toLowerCase();
  const dialect = (["postgres", "mysql", "sqlite"] as const).find((name) => adapter.startsWith(name));
  if (dialect === undefined) {
    throw new ConfigError(
      `sqlStore supports Kysely with PostgreSQL, MySQL and SQLite, not with "${adapter}"; pass { dialect, run } instead.`,
    );
  }
  // A plugin may rename columns.
  const db = handle.withoutPlugins() as KyselyHandle;
  return {
    dialect,
    name: "Kysely",
    async run(sql, parameters: SqlValue[]) {
      const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] };
      const { rows, numAffectedRows } = (await db.executeQuery({
        sql,
        parameters,
        query,
        queryId: { queryId: "hipflask" },
      })) as { rows: SqlRow[]; numAffectedRows?: bigint };
      return { rows, affected: Number(numAffectedRows ?? 0) };
    },
  };
}

/** Restores the name of a column that the client is configured to rename (`postgres.camel`). */
function ownName(name: string): string {
  const letters = name.toLowerCase().replaceAll(/[^a-z]/g, "");
  return letters === "commitid" ? "commit_id" : letters;
}

/** Overrides a `typeCast` of the pool, to get the driver's own values. */
function uncast(_: unknown, next: () => unknown): unknown {
  return next();
}
