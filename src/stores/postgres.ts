import type { SqlConnection, SqlPool } from "./sql-engine.ts";
import { POSTGRES } from "./sql-postgres.ts";
import type { Row } from "./sql-row.ts";
import { SqlStore, type SqlSessionStore, type SqlStoreOptions } from "./sql-store.ts";

export type { SqlSessionStore, SqlStoreOptions } from "./sql-store.ts";

/** What we call of a connection of `pg`. */
export interface PostgresQueryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** What we call of a `Pool` of `pg`. */
export interface PostgresPool extends PostgresQueryable {
  connect(): Promise<PostgresQueryable & { release(destroy?: boolean): void }>;
}

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
  return new SqlStore(sqlPool(pool), POSTGRES, options);
}

/** The schema, for those who create their tables themselves. */
export const POSTGRES_SCHEMA: string = POSTGRES.schema.join(";\n") + ";\n";

function sqlPool(pool: PostgresPool): SqlPool {
  return {
    ...connectionOf(pool),
    async transaction(work) {
      const client = await pool.connect();
      let isBroken = true;
      try {
        await client.query("BEGIN");
        const { result, commit } = await work(connectionOf(client)).catch(async (error: unknown) => {
          await client.query("ROLLBACK");
          isBroken = false;
          throw error;
        });
        await client.query(commit ? "COMMIT" : "ROLLBACK");
        isBroken = false;
        return result;
      } finally {
        // A connection whose transaction could not be ended is closed, which ends it.
        client.release(isBroken);
      }
    },
  };
}

function connectionOf(client: PostgresQueryable): SqlConnection {
  return {
    async query(text, values) {
      const { rows, rowCount } = await client.query(text, values);
      return { rows: rows as Row[], affected: rowCount ?? 0 };
    },
  };
}
