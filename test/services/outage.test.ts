import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { CommitLoop, type Known } from "../../src/stores/parts/commit.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { StoreCalls } from "../../src/stores/parts/store-calls.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { newToken } from "../../src/stores/parts/token.ts";
import { command, hasRedisServer, redisServer, untilTrue } from "./redis-server.ts";
import { reachable } from "./service.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const SECONDS = 1;
const failure = { code: "STORE" };
const A = "A".repeat(16);
const write = { text: "0", commit: A, lifetime: 60 };

interface Connected {
  readonly store: Store;
  close(): Promise<unknown>;
}

/** Texts in the commit loop that all sessions go through. */
function loopOf(store: Store) {
  const format = {
    decode: (_: string, text: string) => ({ text }),
    encode: (entry: { text: string }) => entry.text,
  };
  const loop = new CommitLoop(new StoreCalls(store, { seconds: SECONDS }), format);
  return {
    read: async (key: string) => {
      const found = await loop.read(key);
      return typeof found === "object" ? found.entry.text : found;
    },
    change: (key: string, to: (text: string) => string) =>
      loop.change(key, undefined, ({ entry }: Known<{ text: string }>) => ({
        action: "write",
        result: undefined,
        entry: { text: to(entry.text) },
        lifetime: 60,
      })),
  };
}

/** What must hold for a store whose connection can be cut at any moment. */
function survives(
  target: { host: string; port: number },
  connect: (port: number) => Promise<Connected>,
): void {
  const setUp = async () => {
    const proxy = await tcpProxy(target);
    const { store, close } = await connect(proxy.port);
    const key = newToken().selector;
    await store.insert(key, write);
    const tearDown = async () => {
      await close();
      await proxy.close();
    };
    return { proxy, store, loop: loopOf(store), key, tearDown };
  };

  it("rejects while the connection is cut, and goes on when it is mended", async () => {
    const { proxy, loop, key, tearDown } = await setUp();
    proxy.cut();
    await expect(loop.read(key)).rejects.toMatchObject(failure);
    await expect(loop.change(key, () => "1")).rejects.toMatchObject(failure);
    proxy.mend();
    await untilTrue(async () => succeeds(() => loop.read(key)));
    expect(await loop.change(key, () => "2")).toMatchObject({ status: "ok" });
    await tearDown();
  });

  it("ends a call to an engine that hangs within the limit", async () => {
    const { proxy, loop, key, tearDown } = await setUp();
    proxy.freeze();
    const began = performance.now();
    await expect(loop.read(key)).rejects.toMatchObject(failure);
    expect(performance.now() - began).toBeLessThan(SECONDS * 1000 + 500);
    proxy.mend();
    await untilTrue(async () => succeeds(() => loop.read(key)));
    await tearDown();
  });

  it("loses nothing that was acknowledged while connections are cut in the middle of traffic", async () => {
    const { proxy, store, loop, key, tearDown } = await setUp();
    const acknowledged: string[] = [];
    for (let n = 1; n <= 60; n++) {
      if (n % 20 === 10) proxy.cut();
      if (n % 20 === 12) proxy.mend();
      const change = loop.change(key, (text) => `${text} ${n}`);
      if (await succeeds(() => change)) acknowledged.push(String(n));
      else if (n % 20 > 12) await untilTrue(async () => succeeds(() => loop.read(key)));
    }
    await untilTrue(async () => succeeds(() => store.read(key)));
    const kept = (await store.read(key))!.text.split(" ");
    expect(acknowledged.length).toBeGreaterThan(30);
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(kept).size).toBe(kept.length);
    await tearDown();
  });
}

describe.skipIf(!hasRedisServer && !process.env.CI)("redisStore when Redis fails", async () => {
  if (!hasRedisServer) return;
  const server = await redisServer("--maxmemory-policy", "noeviction");
  afterAll(() => server.remove());

  describe("behind a bad network, over ioredis", () => {
    survives({ host: "127.0.0.1", port: server.port }, async (port) => {
      const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50, maxRetriesPerRequest: 0 });
      client.on("error", () => {});
      return { store: redisStore(client), close: async () => client.disconnect() };
    });
  });

  describe("behind a bad network, over @redis/client", () => {
    survives({ host: "127.0.0.1", port: server.port }, async (port) => {
      const socket = { host: "127.0.0.1", port, reconnectStrategy: () => 50 };
      const client = createClient({ socket, disableOfflineQueue: true });
      client.on("error", () => {});
      await client.connect();
      return { store: redisStore(client), close: async () => client.destroy() };
    });
  });

  it("rejects while Redis is down, and needs no restart of its own when Redis is back without any script", async () => {
    const client = new Redis({ port: server.port, host: "127.0.0.1", retryStrategy: () => 50 });
    client.on("error", () => {});
    const store = redisStore(client);
    const loop = loopOf(store);
    const key = newToken().selector;
    await store.insert(key, write);
    await server.kill();
    await expect(loop.read(key)).rejects.toMatchObject(failure);
    await server.start();
    await untilTrue(async () => succeeds(() => loop.read(key)));
    expect(await loop.read(key)).toBe("gone");
    expect(await store.insert(key, write)).toBe(true);
    expect(await loop.change(key, () => "1")).toMatchObject({ status: "ok" });
    client.disconnect();
  });

  it("drops sessions of anonymous visitors for those of owners, with volatile-ttl", async () => {
    const client = new Redis({ port: server.port, host: "127.0.0.1" });
    const store = redisStore(client);
    const insert = async (lifetime: number, count: number) => {
      const keys = Array.from({ length: count }, () => newToken().selector);
      await Promise.all(
        keys.map((key) => store.insert(key, { text: "x".repeat(1000), commit: A, lifetime })),
      );
      return keys;
    };
    const liveOf = async (keys: string[]) => (await store.readMany!(keys, 1)).size;
    const owned = await insert(31 * 86_400, 100);
    const [, used] = /used_memory:(\d+)/.exec(await client.info("memory"))!;
    await client.config("SET", "maxmemory", Number(used) + 1_500_000);
    await client.config("SET", "maxmemory-policy", "volatile-ttl");
    const anonymous = await insert(86_400, 2000);
    owned.push(...(await insert(31 * 86_400, 100)));
    expect(await liveOf(owned)).toBe(200);
    expect(await liveOf(anonymous)).toBeLessThan(1900);
    await client.config("SET", "maxmemory-policy", "noeviction", "maxmemory", 0);
    client.disconnect();
  });

  it("refuses writes when memory is full, and keeps reading and ending sessions", async () => {
    const client = new Redis({ port: server.port, host: "127.0.0.1" });
    const store = redisStore(client);
    const key = newToken().selector;
    await store.insert(key, write);
    await command(server.port, "CONFIG", "SET", "maxmemory", 1);
    await expect(store.replace(key, A, { ...write, commit: "B".repeat(16) })).rejects.toThrow("OOM");
    await expect(store.insert(newToken().selector, write)).rejects.toThrow("OOM");
    expect(await store.read(key)).toMatchObject({ text: "0", commit: A });
    expect(await store.remove(key)).toEqual({ status: "ok" });
    await command(server.port, "CONFIG", "SET", "maxmemory", 0);
    expect(await store.insert(key, write)).toBe(true);
    client.disconnect();
  });
});

const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);

describe.skipIf(postgres.skip)(`postgresStore when PostgreSQL fails${postgres.note}`, () => {
  const schema = `hipflask_outage_${process.pid}_${Date.now()}`;
  const options = `-c search_path=${schema}`;
  const admin = new Pool({ connectionString: postgresUrl, options });
  afterAll(async () => {
    await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await admin.end();
  });
  const { hostname, port } = new URL(postgresUrl);
  const ready = async () => {
    await admin.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await postgresStore(admin).migrate();
  };

  describe("behind a bad network", () => {
    survives({ host: hostname, port: Number(port) }, async (through) => {
      await ready();
      const url = new URL(postgresUrl);
      url.host = `127.0.0.1:${through}`;
      const pool = new Pool({ connectionString: url.href, options });
      pool.on("error", () => {});
      return { store: postgresStore(pool), close: () => pool.end() };
    });
  });

  it("goes on when the server has ended all of its connections", async () => {
    await ready();
    const pool = new Pool({ connectionString: postgresUrl, options, application_name: schema });
    pool.on("error", () => {});
    const store = postgresStore(pool);
    const key = newToken().selector;
    await store.insert(key, write);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
      schema,
    ]);
    expect(await loopOf(store).change(key, () => "1")).toMatchObject({ status: "ok" });
    await pool.end();
  });

  it("rejects writes to a database that is read-only, and still reads", async () => {
    await ready();
    const pool = new Pool({
      connectionString: postgresUrl,
      options: `${options} -c default_transaction_read_only=on`,
    });
    const store = postgresStore(pool);
    const key = newToken().selector;
    await postgresStore(admin).insert(key, write);
    await expect(store.replace(key, A, write)).rejects.toMatchObject(failure);
    await expect(store.remove(key)).rejects.toMatchObject(failure);
    await expect(store.insert(newToken().selector, write)).rejects.toMatchObject(failure);
    expect(await store.read(key)).toMatchObject({ text: "0" });
    await pool.end();
  });
});

const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);

describe.skipIf(mysql.skip)(`mysqlStore when MariaDB fails${mysql.note}`, () => {
  const database = `hipflask_outage_${process.pid}_${Date.now()}`;
  const admin = createPool(mysqlUrl);
  afterAll(async () => {
    await admin.query(`DROP DATABASE IF EXISTS ${database}`);
    await admin.end();
  });
  const { hostname, port } = new URL(mysqlUrl);

  describe("behind a bad network", () => {
    survives({ host: hostname, port: Number(port) }, async (through) => {
      await admin.query(`CREATE DATABASE IF NOT EXISTS ${database}`);
      const url = new URL(mysqlUrl);
      url.host = `127.0.0.1:${through}`;
      url.pathname = `/${database}`;
      const pool = createPool(url.href);
      const store = mysqlStore(pool);
      await store.migrate();
      return { store, close: () => pool.end() };
    });
  });
});

async function succeeds(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}
