import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { SessionStore } from "../../src/stores/verbs.ts";
import { withTimeLimit } from "../../src/stores/time-limit.ts";
import { newToken } from "../../src/stores/token.ts";
import { transact } from "../../src/stores/transact.ts";
import { command, hasRedisServer, redisServer, untilTrue } from "./redis-server.ts";
import { reachable } from "./service.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const SECONDS = 1;
const failure = { code: "STORE" };

interface Connected {
  readonly store: SessionStore;
  close(): Promise<unknown>;
}

/** What must hold for a store whose connection can be cut at any moment. */
function survives(
  target: { host: string; port: number },
  connect: (port: number) => Promise<Connected>,
): void {
  const setUp = async () => {
    const proxy = await tcpProxy(target);
    const { store, close } = await connect(proxy.port);
    const limited = withTimeLimit(store, { seconds: SECONDS });
    const token = newToken();
    await store.create({ ...token, fields: new Map([["n", "0"]]), expiry: { idle: 60 } });
    const tearDown = async () => {
      await close();
      await proxy.close();
    };
    return { proxy, store, limited, ...token, tearDown };
  };

  it("rejects while the connection is cut, and goes on when it is mended", async () => {
    const { proxy, limited, selector, verifierHash, tearDown } = await setUp();
    proxy.cut();
    await expect(limited.read(selector)).rejects.toMatchObject(failure);
    await expect(limited.patch(selector, verifierHash, { set: new Map([["n", "1"]]) })).rejects.toMatchObject(
      failure,
    );
    proxy.mend();
    await untilTrue(async () => succeeds(() => limited.read(selector)));
    expect(await limited.patch(selector, verifierHash, { set: new Map([["n", "2"]]) })).toEqual({
      status: "ok",
    });
    await tearDown();
  });

  it("ends a call to an engine that hangs within the limit", async () => {
    const { proxy, limited, selector, tearDown } = await setUp();
    proxy.freeze();
    const began = performance.now();
    await expect(limited.read(selector)).rejects.toMatchObject(failure);
    expect(performance.now() - began).toBeLessThan(SECONDS * 1000 + 500);
    proxy.mend();
    await untilTrue(async () => succeeds(() => limited.read(selector)));
    await tearDown();
  });

  it("never applies an increment twice when the connection dies before the answer", async () => {
    const { proxy, store, limited, selector, verifierHash, tearDown } = await setUp();
    const fields = new Map([["n", "0"]]);
    proxy.loseAnswer(1);
    const increment = (text: string | null) => String(Number(text) + 1);
    await transact(limited, selector, verifierHash, "n", increment, { fields }).catch(() => undefined);
    proxy.mend();
    await untilTrue(async () => succeeds(() => store.read(selector)));
    const found = await store.read(selector);
    expect(["0", "1"]).toContain(found.status === "ok" && found.record.fields.get("n"));
    await tearDown();
  });

  it("loses nothing that was acknowledged while connections are cut in the middle of traffic", async () => {
    const { proxy, store, limited, selector, verifierHash, tearDown } = await setUp();
    const acknowledged: string[] = [];
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 10) proxy.cut();
      if (n % 20 === 12) proxy.mend();
      const write = limited.patch(selector, verifierHash, { set: new Map([[`key${n}`, "1"]]) });
      if (await succeeds(() => write)) acknowledged.push(`key${n}`);
      else if (n % 20 > 12) await untilTrue(async () => succeeds(() => limited.read(selector)));
    }
    await untilTrue(async () => succeeds(() => store.read(selector)));
    const found = await store.read(selector);
    const kept = found.status === "ok" ? [...found.record.fields.keys()] : [];
    expect(acknowledged.length).toBeGreaterThan(30);
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
    await tearDown();
  });
}

describe.skipIf(!hasRedisServer && !process.env.CI)("redisStore when Redis is ill", async () => {
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
    const store = withTimeLimit(redisStore(client), { seconds: SECONDS });
    const token = newToken();
    const session = { ...token, fields: new Map(), expiry: { idle: 60 } };
    await store.create(session);
    await server.kill();
    await expect(store.read(token.selector)).rejects.toMatchObject(failure);
    await server.start();
    await untilTrue(async () => succeeds(() => store.read(token.selector)));
    expect(await store.read(token.selector)).toEqual({ status: "gone" });
    expect(await store.create({ ...session, ...newToken() })).toEqual({ status: "ok" });
    client.disconnect();
  });

  it("refuses writes when memory is full, and keeps reading and ending sessions", async () => {
    const client = new Redis({ port: server.port, host: "127.0.0.1" });
    const store = redisStore(client);
    const token = newToken();
    const session = { ...token, fields: new Map([["user", '"ada"']]), expiry: { idle: 60 } };
    await store.create(session);
    await command(server.port, "CONFIG", "SET", "maxmemory", 1);
    const change = { set: new Map([["a", "1"]]) };
    await expect(store.patch(token.selector, token.verifierHash, change)).rejects.toMatchObject(failure);
    await expect(store.create({ ...session, ...newToken() })).rejects.toMatchObject(failure);
    const found = await store.read(token.selector);
    expect(found.status === "ok" && found.record.fields.get("user")).toBe('"ada"');
    expect(await store.destroy(token.selector)).toEqual({ status: "ok" });
    await command(server.port, "CONFIG", "SET", "maxmemory", 0);
    expect(await store.create({ ...session, ...newToken() })).toEqual({ status: "ok" });
    client.disconnect();
  });
});

const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);

describe.skipIf(postgres.skip)(`postgresStore when PostgreSQL is ill${postgres.note}`, () => {
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
    const store = withTimeLimit(postgresStore(pool), { seconds: SECONDS });
    const token = newToken();
    await store.create({ ...token, fields: new Map(), expiry: { idle: 60 } });
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
      schema,
    ]);
    expect(await store.patch(token.selector, token.verifierHash, { set: new Map([["a", "1"]]) })).toEqual({
      status: "ok",
    });
    await pool.end();
  });

  it("rejects writes to a database that is read-only, and still reads", async () => {
    await ready();
    const pool = new Pool({
      connectionString: postgresUrl,
      options: `${options} -c default_transaction_read_only=on`,
    });
    const store = postgresStore(pool);
    const token = newToken();
    await postgresStore(admin).create({ ...token, fields: new Map([["a", "1"]]), expiry: { idle: 60 } });
    const change = { set: new Map([["a", "2"]]) };
    await expect(store.patch(token.selector, token.verifierHash, change)).rejects.toMatchObject(failure);
    await expect(store.destroy(token.selector)).rejects.toMatchObject(failure);
    await expect(store.destroyAll("ada")).rejects.toMatchObject(failure);
    const found = await store.read(token.selector);
    expect(found.status === "ok" && found.record.fields.get("a")).toBe("1");
    await pool.end();
  });
});

const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);

describe.skipIf(mysql.skip)(`mysqlStore when MariaDB is ill${mysql.note}`, () => {
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
