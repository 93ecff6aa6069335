import { checkCount } from "../check-options.ts";
import { refusal } from "./parts/clients.ts";
import { sqlStore, type SqlStore } from "./sql.ts";
import { MYSQL } from "./sql/dialect.ts";
import { isMysql2, mysql2Of, type MysqlPool } from "./sql/mysql2.ts";

export type { SqlStore } from "./sql.ts";
export type { MysqlPool } from "./sql/mysql2.ts";

/**
 * Keeps sessions in MariaDB 10.6 or MySQL 8, or later. Takes a pool of `mysql2/promise`, which you end yourself; call `migrate()`
 * once, or create the table with `MYSQL_SCHEMA`. See `sqlStore`.
 *
 * @throws ConfigError for anything else, and for a pool that was closed
 * @example
 * ```ts no-run
 * import { createPool } from "mysql2/promise";
 * import { mysqlStore } from "hipflask/stores/mysql";
 * const store = mysqlStore(createPool("mysql://root@127.0.0.1/app"));
 * await store.migrate();
 * ```
 */
export function mysqlStore(pool: MysqlPool): SqlStore {
  checkCount("mysqlStore", arguments, 1, "settings belong to the pool");
  if (!isMysql2(pool)) throw refusal("mysqlStore", "a pool of mysql2/promise: createPool(url)", pool);
  return sqlStore(mysql2Of("mysqlStore", pool));
}

/** The schema, to create the table without `migrate()`. */
export const MYSQL_SCHEMA: string = MYSQL.schema.join(";\n") + ";\n";
