import { join } from "node:path";
import type { Store } from "../../../dist/stores/contract.js";
import { memoryStore } from "../../../dist/stores/memory.js";
import { mysqlStore } from "../../../dist/stores/mysql.js";
import { postgresStore } from "../../../dist/stores/postgres.js";
import { redisStore } from "../../../dist/stores/redis.js";
import type { SqlStore } from "../../../dist/stores/sql.js";
import { sqliteStore } from "../../../dist/stores/sqlite.js";
import { isBorrowed, openBorrowedStore } from "./borrowed.ts";
import {
  keyPrefix,
  openIoRedis,
  openMysql,
  openPostgres,
  openRedis,
  type Engine,
  type Space,
} from "./engines.ts";

export const SQLITE_FILE = "hipflask.db";

/** Our store on an engine, with its tables. */
export async function openStore(engine: Engine, space: Space): Promise<Store> {
  if (isBorrowed(engine)) return openBorrowedStore(engine, space);
  switch (engine) {
    case "memory":
      return memoryStore();
    case "sqlite":
      return sqliteStore(join(space.folder, SQLITE_FILE));
    case "redis":
      return redisStore(await openRedis(), { prefix: `${keyPrefix(space)}redis:` });
    case "ioredis":
      return redisStore(await openIoRedis(), { prefix: `${keyPrefix(space)}ioredis:` });
    case "postgres":
      return migrated(postgresStore(openPostgres(space)));
    case "mariadb":
      return migrated(mysqlStore(openMysql(space)));
  }
}

async function migrated(store: SqlStore): Promise<SqlStore> {
  await store.migrate();
  return store;
}
