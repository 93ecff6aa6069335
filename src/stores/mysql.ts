import { mysqlPool, type MysqlPool } from "./mysql-pool.ts";
import { MYSQL } from "./sql/mysql-dialect.ts";
import { SqlStore, type SqlSessionStore, type SqlStoreOptions } from "./sql/sql-store.ts";

export type { MysqlPool, MysqlQueryable } from "./mysql-pool.ts";
export type { SqlSessionStore, SqlStoreOptions } from "./sql/sql-store.ts";

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
  return new SqlStore(mysqlPool(pool), MYSQL, options);
}

/** The schema, for those who create their tables themselves. */
export const MYSQL_SCHEMA: string = MYSQL.schema.join(";\n") + ";\n";
