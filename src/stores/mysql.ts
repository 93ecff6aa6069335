import type { SqlConnection, SqlPool } from "./sql-engine.ts";
import { MYSQL } from "./sql-mysql.ts";
import type { Row } from "./sql-row.ts";
import { SqlStore, type SqlSessionStore, type SqlStoreOptions } from "./sql-store.ts";

export type { SqlSessionStore, SqlStoreOptions } from "./sql-store.ts";

/** What we call of a connection of `mysql2/promise`. */
export interface MysqlQueryable {
  // oxlint-disable-next-line typescript/no-explicit-any -- mysql2 wants a type of its own for values, any array of ours fits
  execute(sql: string, values: any[]): Promise<[result: unknown, ...rest: unknown[]]>;
}

/** What we call of a pool of `mysql2/promise`. */
export interface MysqlPool extends MysqlQueryable {
  getConnection(): Promise<
    MysqlQueryable & {
      beginTransaction(): Promise<unknown>;
      commit(): Promise<unknown>;
      rollback(): Promise<unknown>;
      release(): void;
      destroy(): void;
    }
  >;
}

/**
 * Sessions in MariaDB 10.6 or MySQL 8, or later. Takes a pool of `mysql2/promise`, which stays yours to end; call
 * `migrate()` once, or create the tables of `MYSQL_SCHEMA` your own way. Deadlines are those of the database's own clock.
 *
 * @example
 * ```ts no-run
 * import { createPool } from "mysql2/promise";
 * import { mysqlStore } from "hipflask/stores/mysql";
 * const store = mysqlStore(createPool("mysql://root@127.0.0.1/app"));
 * await store.migrate();
 * ```
 */
export function mysqlStore(pool: MysqlPool, options: SqlStoreOptions = {}): SqlSessionStore {
  return new SqlStore(sqlPool(pool), MYSQL, options);
}

/** The schema, for those who create their tables themselves. */
export const MYSQL_SCHEMA: string = MYSQL.schema.join(";\n") + ";\n";

function sqlPool(pool: MysqlPool): SqlPool {
  return {
    ...connectionOf(pool),
    async transaction(work) {
      const connection = await pool.getConnection();
      let isBroken = true;
      try {
        await connection.beginTransaction();
        const { result, commit } = await work(connectionOf(connection)).catch(async (error: unknown) => {
          await connection.rollback();
          isBroken = false;
          throw error;
        });
        await (commit ? connection.commit() : connection.rollback());
        isBroken = false;
        return result;
      } finally {
        // A connection whose transaction could not be ended is closed, which ends it.
        if (isBroken) connection.destroy();
        else connection.release();
      }
    },
  };
}

function connectionOf(client: MysqlQueryable): SqlConnection {
  return {
    async query(text, values) {
      const [result] = await client.execute(text, values);
      if (Array.isArray(result)) return { rows: result as Row[], affected: result.length };
      return { rows: [], affected: (result as { affectedRows: number }).affectedRows };
    },
  };
}
