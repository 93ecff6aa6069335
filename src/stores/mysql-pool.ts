import type { SqlConnection, SqlPool } from "./sql/engine.ts";
import type { Row } from "./sql/row.ts";

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

/** A pool of `mysql2/promise` as all SQL engines are used. */
export function mysqlPool(pool: MysqlPool): SqlPool {
  return {
    ...mysqlConnection(pool),
    async transaction(work) {
      const connection = await pool.getConnection();
      let isBroken = true;
      try {
        await connection.beginTransaction();
        const { result, commit } = await work(mysqlConnection(connection)).catch(async (error: unknown) => {
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

/** Statements on a connection of `mysql2/promise`, or on any of its pool. */
export function mysqlConnection(client: MysqlQueryable): SqlConnection {
  return {
    async query(text, values) {
      const [result] = await client.execute(text, values);
      if (Array.isArray(result)) return { rows: result as Row[], affected: result.length };
      return { rows: [], affected: (result as { affectedRows: number }).affectedRows };
    },
  };
}
