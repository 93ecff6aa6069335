import { Redis } from "ioredis";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { memoryStore } from "../../src/stores/memory.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import type { SessionStore } from "../../src/stores/store.ts";
import { reachable } from "../services/service.ts";

/** An engine to run the same tests on. */
export interface Engine {
  readonly name: string;
  readonly skip: boolean;
  open(): Promise<{ store: SessionStore; close(): Promise<unknown> }>;
}

const urls = {
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  postgres: process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
  mysql: process.env["MYSQL_URL"] ?? "mysql://root@127.0.0.1:3306/test",
};
const unique = () => `hipflask_http_${process.pid}_${Date.now()}`;

async function service(name: string, variable: string, url: string, open: Engine["open"]): Promise<Engine> {
  const { skip, note } = await reachable(name, variable, url);
  return { name: `${name}${note}`, skip, open };
}

/** Memory and SQLite always; the others where they answer, and in CI in any case. */
export const engines: readonly Engine[] = [
  {
    name: "memory",
    skip: false,
    open: async () => ({ store: memoryStore(), close: async () => {} }),
  },
  {
    name: "SQLite",
    skip: false,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), "hipflask-"));
      const store = await sqliteStore(join(folder, "sessions.db"));
      return { store, close: async () => (await store.close?.(), rm(folder, { recursive: true })) };
    },
  },
  await service("Redis", "REDIS_URL", urls.redis, async () => {
    const client = new Redis(urls.redis);
    const prefix = `${unique()}:`;
    return {
      store: redisStore(client, { prefix }),
      async close() {
        for await (const keys of client.scanStream({ match: `${prefix}*` })) {
          if ((keys as string[]).length > 0) await client.del(keys as string[]);
        }
        await client.quit();
      },
    };
  }),
  await service("PostgreSQL", "POSTGRES_URL", urls.postgres, async () => {
    const schema = unique();
    const pool = new Pool({ connectionString: urls.postgres, max: 16, options: `-c search_path=${schema}` });
    await pool.query(`CREATE SCHEMA ${schema}`);
    const store = postgresStore(pool);
    await store.migrate();
    return { store, close: async () => (await pool.query(`DROP SCHEMA ${schema} CASCADE`), pool.end()) };
  }),
  await service("MariaDB", "MYSQL_URL", urls.mysql, async () => {
    const database = unique();
    const admin = createPool(urls.mysql);
    await admin.query(`CREATE DATABASE ${database}`);
    const pool = createPool({ uri: urls.mysql, database, connectionLimit: 16 });
    const store = mysqlStore(pool);
    await store.migrate();
    return {
      store,
      close: async () => (await pool.end(), await admin.query(`DROP DATABASE ${database}`), admin.end()),
    };
  }),
];
