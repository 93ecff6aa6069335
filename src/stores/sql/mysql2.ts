import { addressOf } from "../parts/address.ts";
import { closed, has } from "../parts/clients.ts";
import type { SqlDatabase, SqlRow } from "./database.ts";

/** The methods used of a pool of `mysql2/promise`. */
export interface MysqlPool {
  // oxlint-disable-next-line typescript/no-explicit-any -- mysql2 wants types of its own for statements and values, ours fit
  execute(statement: any, values?: any): Promise<[result: unknown, ...rest: unknown[]]>;
}

/** Rows as objects with columns as properties, regardless of the pool's setting. */
const ROWS = { rowsAsArray: false, nestTables: false };

/** mysql2's own values: a `typeCast` function of the pool can only be overridden by another function. */
const ROWS_UNCAST = { ...ROWS, typeCast: (_: unknown, next: () => unknown) => next() };

/** A pool of `mysql2/promise`. */
export function mysql2Database(pool: MysqlPool): SqlDatabase {
  // Only if needed: the function is called for each value, which doubles the time of a read.
  const rows = castsBy(pool) === true ? ROWS : ROWS_UNCAST;
  return {
    dialect: "mysql",
    name: addressOf("MySQL", pool),
    async run(sql, values) {
      const [result] = await pool.execute({ sql, values, ...rows });
      if (Array.isArray(result)) return { rows: result as SqlRow[], affected: 0 };
      return { rows: [], affected: (result as { affectedRows: number }).affectedRows };
    },
  };
}

/** The option `typeCast` of a pool or connection; `true`: mysql2's own. */
function castsBy(handle: object): unknown {
  const { pool, connection = pool ?? handle } = handle as { pool?: object; connection?: object };
  const { config = {} } = connection as { config?: { typeCast?: unknown; connectionConfig?: object } };
  const { typeCast } = { ...config, ...config.connectionConfig };
  return typeCast;
}

/** Whether it has the methods of `mysql2`, and none of `mariadb` or of PlanetScale's client. */
export function isMysql2(handle: unknown): boolean {
  return has(handle, "execute") && !has(handle, "importFile") && !has(handle, "transaction");
}

/**
 * A pool or connection of `mysql2`, with promises or with callbacks.
 *
 * @throws ConfigError for one that was closed
 */
export function mysql2Of(who: string, handle: object): SqlDatabase {
  const { pool = handle, connection = handle } = handle as { pool?: object; connection?: object };
  const isClosed =
    (pool as { _closed?: unknown })._closed === true ||
    (connection as { _closing?: unknown })._closing === true;
  if (isClosed) throw closed(who, "a pool or connection of mysql2");
  return mysql2Database(
    has(handle, "promise") ? (handle as { promise(): MysqlPool }).promise() : (handle as MysqlPool),
  );
}
