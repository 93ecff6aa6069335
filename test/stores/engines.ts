import { Cluster, Redis } from "ioredis";
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
import { openSqlite } from "../../src/stores/sqlite/database.ts";
import { UNDECODABLE, type SessionStore } from "../../src/stores/store.ts";
import { testClock, type TestClock } from "../../src/testing/clock.ts";
import { redisCluster } from "../services/redis-cluster.ts";
import { hasRedisServer } from "../services/redis-server.ts";
import { reachable } from "../services/service.ts";
import { bound } from "../../src/testing/store-kit/concurrency.ts";
import { isUnit } from "../support/project.ts";
import { textOf } from "./recorded.ts";

/** An engine to run the same tests on. */
export interface Engine {
  readonly name: string;
  readonly skip: boolean;
  /** @param clock the time the store lives by; default the real one */
  open(clock?: TestClock): Promise<OpenedEngine>;
}

interface OpenedEngine {
  readonly store: SessionStore;
  /** Makes the stored record of a session unreadable, behind the store's back. */
  corrupt(selector: string): Promise<unknown>;
  /** Everything that is stored of a session, as text. */
  dump(selector: string): Promise<string>;
  close(): Promise<unknown>;
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

const embedded: readonly Engine[] = [
  {
    name: "memory",
    skip: false,
    async open(clock = testClock()) {
      const store = memoryStore({ now: clock.now });
      // Nobody reaches into this process; what its map holds is what it was given.
      const broken = new Set<string>();
      const read: SessionStore["read"] = async (selector) =>
        broken.has(selector) ? UNDECODABLE : store.read(selector);
      return {
        store: { ...bound(store), read },
        corrupt: async (selector) => broken.add(selector),
        async dump(selector) {
          const found = await store.read(selector);
          return found.status === "ok" ? textOf(found.record) : "";
        },
        close: async () => {},
      };
    },
  },
  {
    name: "SQLite",
    skip: false,
    async open(clock = testClock()) {
      const folder = await mkdtemp(join(tmpdir(), "hipflask-"));
      const file = join(folder, "sessions.db");
      const store = sqliteStore(file, { now: clock.now });
      await store.live([]);
      const db = await openSqlite(file);
      const where = "WHERE selector = ?";
      return {
        store,
        corrupt: async (selector) =>
          db.prepare(`UPDATE hipflask_sessions SET record = '[1,' ${where}`).run(selector),
        dump: async (selector) =>
          textOf(db.prepare(`SELECT * FROM hipflask_sessions ${where}`).all(selector)),
        close: async () => (db.close(), await store.close?.(), rm(folder, { recursive: true })),
      };
    },
  },
];

/** These run where they answer, and in CI in any case. */
const servers = async (): Promise<readonly Engine[]> => [
  await service("Redis", "REDIS_URL", urls.redis, async (clock = testClock()) => {
    const client = new Redis(urls.redis);
    const prefix = `${unique()}:`;
    return {
      ...onRedis(client, prefix, clock),
      async close() {
        for await (const keys of client.scanStream({ match: `${prefix}*` })) {
          if ((keys as string[]).length > 0) await client.del(keys as string[]);
        }
        await client.quit();
      },
    };
  }),
  {
    name: `Redis Cluster${hasRedisServer ? "" : " (skipped: no redis-server on the PATH)"}`,
    skip: !hasRedisServer && !process.env["CI"],
    async open(clock = testClock()) {
      const cluster = await redisCluster();
      const client = new Cluster([...cluster.roots]);
      return {
        ...onRedis(client, "hipflask:", clock),
        close: async () => (client.disconnect(), cluster.remove()),
      };
    },
  },
  await service("PostgreSQL", "POSTGRES_URL", urls.postgres, async (clock = testClock()) => {
    const schema = unique();
    const pool = new Pool({ connectionString: urls.postgres, max: 16, options: `-c search_path=${schema}` });
    await pool.query(`CREATE SCHEMA ${schema}`);
    const store = postgresStore(pool, { clockOffset: clock.offset });
    await store.migrate();
    const where = "WHERE selector = $1";
    return {
      store,
      corrupt: (selector) => pool.query(`UPDATE hipflask_sessions SET fields = '[1]' ${where}`, [selector]),
      dump: async (selector) =>
        textOf((await pool.query(`SELECT * FROM hipflask_sessions ${where}`, [selector])).rows),
      close: async () => (await pool.query(`DROP SCHEMA ${schema} CASCADE`), pool.end()),
    };
  }),
  await service("MariaDB", "MYSQL_URL", urls.mysql, async (clock = testClock()) => {
    const database = unique();
    const admin = createPool(urls.mysql);
    await admin.query(`CREATE DATABASE ${database}`);
    const pool = createPool({ uri: urls.mysql, database, connectionLimit: 16 });
    const store = mysqlStore(pool, { clockOffset: clock.offset });
    await store.migrate();
    const where = "WHERE selector = ?";
    return {
      store,
      corrupt: (selector) => pool.query(`UPDATE hipflask_sessions SET fields = '[1]' ${where}`, [selector]),
      dump: async (selector) =>
        textOf((await pool.query(`SELECT * FROM hipflask_sessions ${where}`, [selector]))[0]),
      close: async () => (await pool.end(), await admin.query(`DROP DATABASE ${database}`), admin.end()),
    };
  }),
];

/** In unit tests those that need no server, otherwise the others. */
export const engines = isUnit ? embedded : await servers();

function onRedis(client: Redis | Cluster, prefix: string, clock: TestClock): Omit<OpenedEngine, "close"> {
  const key = (selector: string) => `${prefix}session:{${selector}}`;
  return {
    store: redisStore(client, { prefix, clockOffset: clock.offset }),
    corrupt: (selector) => client.set(key(selector), "[1,", "KEEPTTL"),
    dump: async (selector) => String(await client.get(key(selector))),
  };
}
