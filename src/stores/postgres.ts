import { sqlStore, type SqlStore } from "./sql.ts";
import { POSTGRES } from "./sql/dialect.ts";
import { pgDatabase, type PostgresOptions, type PostgresPool } from "./sql/pg.ts";

export type { SqlStore } from "./sql.ts";
export type { PostgresOptions, PostgresPool, PostgresQuery } from "./sql/pg.ts";

/**
 * Sessions in PostgreSQL 13 or later, or a relative that speaks its protocol. Takes a `Pool` of `pg`, which stays yours
 * to end; call `migrate()` once, or create the table of `POSTGRES_SCHEMA` your own way. See `sqlStore`.
 *
 * @example
 * ```ts no-run
 * import pg from "pg";
 * import { postgresStore } from "hipflask/stores/postgres";
 * const store = postgresStore(new pg.Pool({ connectionString: "postgres://127.0.0.1/app" }));
 * await store.migrate();
 * ```
 */
export function postgresStore(pool: PostgresPool, options: PostgresOptions = {}): SqlStore {
  return sqlStore(pgDatabase(pool, options));
}

/** The schema, for those who create their tables themselves. */
export const POSTGRES_SCHEMA: string = POSTGRES.schema.join(";\n") + ";\n";
