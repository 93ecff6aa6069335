import type { SqlConnection, SqlPool } from "./sql/engine.ts";
import type { Row } from "./sql/row.ts";

/** What we call of a connection of `pg`. */
export interface PostgresQueryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** What we call of a `Pool` of `pg`. */
export interface PostgresPool extends PostgresQueryable {
  connect(): Promise<PostgresQueryable & { release(destroy?: boolean): void }>;
}

/** A pool of `pg` as all SQL engines are used. */
export function postgresPool(pool: PostgresPool): SqlPool {
  return {
    ...postgresConnection(pool),
    async transaction(work) {
      const client = await pool.connect();
      let isBroken = true;
      try {
        await client.query("BEGIN");
        const { result, commit } = await work(postgresConnection(client)).catch(async (error: unknown) => {
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

/** Statements on a connection of `pg`, or on any of its pool. */
export function postgresConnection(client: PostgresQueryable): SqlConnection {
  return {
    async query(text, values) {
      const { rows, rowCount } = await client.query(text, values);
      return { rows: rows as Row[], affected: rowCount ?? 0 };
    },
  };
}
