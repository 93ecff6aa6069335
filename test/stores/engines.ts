import { Cluster, Redis } from "ioredis";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { memoryStore } from "../../src/stores/memory.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { mysql2Database } from "../../src/stores/sql/mysql2.ts";
import { pgDatabase } from "../../src/stores/sql/pg.ts";
import { sqlStore, type SqlDatabase, type SqlStore } from "../../src/stores/sql.ts";
import { sessionsDatabase } from "../../src/stores/sqlite/sessions-database.ts";
import { openSqlite } from "../../src/stores/sqlite/database.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { testClock, type TestClock } from "../../src/testing/clock.ts";
import { after, movedRedis, movedSql } from "../services/moved-time.ts";
import { redisCluster } from "../services/redis-cluster.ts";
import { hasRedisServer } from "../services/redis-server.ts";
import { reachable } from "../services/service.ts";
import { isUnit } from "../support/project.ts";
import { moreEngines } from "./more-engines.ts";
import { textOf } from "./recorded.ts";

/** An engine to run the same tests on. */
export interface Engine {
  readonly name: string;
  readonly skip: boolean;
  /** Of the full number of rounds, where the engine is slow. Default 1. */
  readonly share?: number;
  /** @param clock the time the store lives by; default the real one */
  open(clock?: TestClock): Promise<OpenedEngine>;
}

export interface OpenedEngine {
  readonly store: Store;
  /** The same records, as another process reaches them. */
  readonly another: Store;
  /** Makes the stored record of a session unreadable. */
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
      return {
        store,
        another: store,
        async corrupt(selector) {
          const stored = await store.read(selector);
          await store.replace(selector, stored!.commit, {
            text: "[1,",
            commit: "x".repeat(16),
            lifetime: 600,
          });
        },
        dump: async (selector) => (await store.read(selector))?.text ?? "",
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
      const [store, another] = movedPair(() => sessionsDatabase(file, {}), clock);
      await store.migrate();
      const db = await openSqlite(file);
      db.exec("PRAGMA busy_timeout = 2000");
      return {
        store,
        another,
        corrupt: async (selector) =>
          db.prepare("UPDATE hipflask_sessions SET record = '[1,' WHERE id = ?").run(selector),
        dump: async (selector) =>
          textOf(db.prepare("SELECT * FROM hipflask_sessions WHERE id = ?").all(selector)),
        close: async () => {
          db.close();
          await Promise.all([store.close?.(), another.close?.()]);
          await rm(folder, { recursive: true });
        },
      };
    },
  },
];

/** These run where they answer, and in CI in any case. */
const servers = async (): Promise<readonly Engine[]> => [
  await service("Redis", "REDIS_URL", urls.redis, async (clock = testClock()) => {
    const [client, second] = [new Redis(urls.redis), new Redis(urls.redis)];
    const prefix = `${unique()}:`;
    return {
      ...onRedis(client, second, [second], prefix, clock),
      async close() {
        for await (const keys of client.scanStream({ match: `${prefix}*` })) {
          if ((keys as string[]).length > 0) await client.del(keys as string[]);
        }
        await Promise.all([client.quit(), second.quit()]);
      },
    };
  }),
  {
    name: `Redis Cluster${hasRedisServer ? "" : " (skipped: no redis-server on the PATH)"}`,
    skip: !hasRedisServer && !process.env["CI"],
    async open(clock = testClock()) {
      const cluster = await redisCluster();
      const [client, second] = [new Cluster([...cluster.roots]), new Cluster([...cluster.roots])];
      const masters = (await cluster.masters()).map(({ port }) => new Redis(port));
      return {
        ...onRedis(client, second, masters, "hipflask:", clock),
        async close() {
          for (const one of [client, second, ...masters]) one.disconnect();
          await cluster.remove();
        },
      };
    },
  },
  await service("PostgreSQL", "POSTGRES_URL", urls.postgres, async (clock = testClock()) => {
    const schema = unique();
    const open = () =>
      new Pool({ connectionString: urls.postgres, max: 8, options: `-c search_path=${schema}` });
    const [pool, second] = [open(), open()];
    await pool.query(`CREATE SCHEMA ${schema}`);
    const [store] = movedPair(() => pgDatabase(pool, {}), clock);
    const [another] = movedPair(() => pgDatabase(second, {}), clock);
    await store.migrate();
    return {
      store,
      another,
      corrupt: (selector) =>
        pool.query("UPDATE hipflask_sessions SET record = '[1,' WHERE id = $1", [selector]),
      dump: async (selector) =>
        textOf((await pool.query("SELECT * FROM hipflask_sessions WHERE id = $1", [selector])).rows),
      async close() {
        await pool.query(`DROP SCHEMA ${schema} CASCADE`);
        await Promise.all([pool.end(), second.end()]);
      },
    };
  }),
  await service("MariaDB", "MYSQL_URL", urls.mysql, async (clock = testClock()) => {
    const database = unique();
    const admin = createPool(urls.mysql);
    await admin.query(`CREATE DATABASE ${database}`);
    const open = () => createPool({ uri: urls.mysql, database, connectionLimit: 8 });
    const [pool, second] = [open(), open()];
    const [store] = movedPair(() => mysql2Database(pool), clock);
    const [another] = movedPair(() => mysql2Database(second), clock);
    await store.migrate();
    return {
      store,
      another,
      corrupt: (selector) =>
        pool.query("UPDATE hipflask_sessions SET record = '[1,' WHERE id = ?", [selector]),
      dump: async (selector) =>
        textOf((await pool.query("SELECT * FROM hipflask_sessions WHERE id = ?", [selector]))[0]),
      async close() {
        await Promise.all([pool.end(), second.end()]);
        await admin.query(`DROP DATABASE ${database}`);
        await admin.end();
      },
    };
  }),
];

/** In unit tests those that need no server, otherwise the others. */
export const engines = isUnit ? embedded : [...(await servers()), ...(await moreEngines(urls.redis, unique))];

/** Two stores in one database, whose clock runs ahead as `clock` does. */
function movedPair(open: () => SqlDatabase, clock: TestClock): [SqlStore, SqlStore] {
  const opened = () => timed(sqlStore(movedSql(open(), clock)), clock);
  return [opened(), opened()];
}

/** The same store, whose clock is asked each time: a real one does not jump, so it need not be. */
function timed<Opened extends Store>(store: Opened, clock: TestClock): Opened {
  return Object.assign(store, { now: clock.now });
}

function onRedis(
  client: Redis | Cluster,
  second: Redis | Cluster,
  masters: readonly Redis[],
  prefix: string,
  clock: TestClock,
): Omit<OpenedEngine, "close"> {
  const age = movedRedis(masters, prefix, clock);
  const opened = (of: Redis | Cluster) => timed(redisStore(after(age, of), { prefix }), clock);
  return {
    store: opened(client),
    another: opened(second),
    corrupt: (selector) => client.set(prefix + selector, "x".repeat(16) + "[1,", "KEEPTTL"),
    dump: async (selector) => String(await client.get(prefix + selector)),
  };
}
