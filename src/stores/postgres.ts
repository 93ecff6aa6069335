import { postgresPool, type PostgresPool } from "./postgres-pool.ts";
import { POSTGRES } from "./sql/postgres-dialect.ts";
import { SqlStore, type SqlSessionStore, type SqlStoreOptions } from "./sql/sql-store.ts";

export type { PostgresPool, PostgresQueryable } from "./postgres-pool.ts";
export type { SqlSessionStore, SqlStoreOptions } from "./sql/sql-store.ts";

/**
 * Sessions in PostgreSQL 13 or later, or a relative that speaks its protocol. Takes a `Pool` of `pg`, which stays yours
 * to end; call `migrate()` once, or create the tables of `POSTGRES_SCHEMA` your own way.
 *
 * Sound under READ COMMITTED, the default. Keeps no state in a connection and prepares nothing by name, so it works
 * behind a pooler in transaction mode. Deadlines are those of the database's own clock.
 *
 * @example
 * ```ts no-run
 * import pg from "pg";
 * import { postgresStore } from "hipflask/stores/postgres";
 * const store = postgresStore(new pg.Pool({ connectionString: "postgres://127.0.0.1/app" }));
 * await store.migrate();
 * ```
 */
export function postgresStore(pool: PostgresPool, options: SqlStoreOptions = {}): SqlSessionStore {
  return new SqlStore(postgresPool(pool), POSTGRES, options);
}

/** The schema, for those who create their tables themselves. */
export const POSTGRES_SCHEMA: string = POSTGRES.schema.join(";\n") + ";\n";
