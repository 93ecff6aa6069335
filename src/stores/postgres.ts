import { checkOptions } from "../check-options.ts";
import { refusal } from "./parts/clients.ts";
import { sqlStore, type SqlStore } from "./sql.ts";
import { POSTGRES } from "./sql/dialect.ts";
import { isPg, openPg, pgDatabase, type PostgresOptions, type PostgresPool } from "./sql/pg.ts";

export type { SqlStore } from "./sql.ts";
export type { PostgresOptions, PostgresPool, PostgresQuery } from "./sql/pg.ts";

/**
 * Keeps sessions in PostgreSQL 13 or later, or a database with its protocol. Takes a `Pool` of `pg`, which you end yourself; call
 * `migrate()` once, or create the table with `POSTGRES_SCHEMA`. See `sqlStore`.
 *
 * @throws ConfigError for anything else, and for a pool that was ended
 * @example
 * ```ts no-run
 * import pg from "pg";
 * import { postgresStore } from "hipflask/stores/postgres";
 * const store = postgresStore(new pg.Pool({ connectionString: "postgres://127.0.0.1/app" }));
 * await store.migrate();
 * ```
 */
export function postgresStore(pool: PostgresPool, options: PostgresOptions = {}): SqlStore {
  if (!isPg(pool)) throw refusal("postgresStore", "a Pool of pg: new pg.Pool({ connectionString })", pool);
  checkOptions("postgresStore", options, { prepare: "boolean" });
  return sqlStore(pgDatabase(openPg("postgresStore", pool), options));
}

/** The schema, to create the table without `migrate()`. */
export const POSTGRES_SCHEMA: string = POSTGRES.schema.join(";\n") + ";\n";
