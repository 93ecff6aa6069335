import { join } from "node:path";
import type { SessionStore } from "../../../dist/stores/store.js";
import { memoryStore } from "../../../dist/stores/memory.js";
import { mysqlStore } from "../../../dist/stores/mysql.js";
import { postgresStore } from "../../../dist/stores/postgres.js";
import { redisStore } from "../../../dist/stores/redis.js";
import { sqliteStore } from "../../../dist/stores/sqlite.js";
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
export async function openStore(engine: Engine, space: Space): Promise<SessionStore> {
  switch (engine) {
    case "memory":
      return memoryStore();
    case "sqlite":
      return sqliteStore(join(space.folder, SQLITE_FILE));
    case "redis":
      return redisStore(await openRedis(), { prefix: keyPrefix(space) });
    case "ioredis":
      return redisStore(await openIoRedis(), { prefix: keyPrefix(space) });
    case "postgres":
      return migrated(postgresStore(openPostgres(space)));
    case "mariadb":
      return migrated(mysqlStore(openMysql(space)));
  }
}

async function migrated<Store extends { migrate(): Promise<void> }>(store: Store): Promise<Store> {
  await store.migrate();
  return store;
}
