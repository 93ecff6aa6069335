import { createCluster } from "@redis/client";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storeFromUrl } from "../../src/stores/from-url.ts";
import { RedisRecords } from "../../src/stores/flask-session/records.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { newToken } from "../../src/stores/parts/token.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { after, movedNow, movedRedis } from "./moved-time.ts";
import { redisCluster, type RedisCluster } from "./redis-cluster.ts";
import { hasRedisServer, untilTrue } from "./redis-server.ts";
import { fullScale } from "./service.ts";

const note = hasRedisServer ? "" : " (skipped: no redis-server on the PATH)";
const packages = databases();
const [A, B] = ["A".repeat(16), "B".repeat(16)] as const;
const write = (text: string, commit: string) => ({ text, commit, lifetime: 600 });

describe.skipIf(!hasRedisServer && !process.env.CI)(`redisStore on a cluster${note}`, () => {
  let cluster: RedisCluster;
  let servers: Redis[];
  beforeAll(async () => {
    cluster = await redisCluster();
    servers = (await cluster.masters()).map(({ port }) => new Redis(port));
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) server.disconnect();
    await cluster.remove();
  });

  describe("over ioredis", () => {
    storeContract(
      { describe, it },
      async ({ clock, beforeCommand }) => {
        const client = new Cluster([...cluster.roots]);
        client.on("error", () => {});
        const prefix = "hipflask:io:";
        const age = movedRedis(servers, prefix, clock);
        const counting = after(async () => {
          await beforeCommand();
          await age();
        }, client);
        const opened = (of: Cluster) => movedNow(redisStore(of, { prefix }), clock);
        return {
          store: opened(counting),
          another: opened(after(age, client)),
          corrupt: (key) => client.set(prefix + key, "nonsense"),
          dump: async (key) => String(await client.get(prefix + key)),
          outage: { begin: async () => cluster.pause(), end: () => cluster.resume() },
          close: () => client.quit(),
        };
      },
      { corrupts: true, stops: true, countsCommands: true, scale: fullScale },
    );
  });

  describe("over @redis/client", () => {
    storeContract(
      { describe, it },
      async ({ clock }) => {
        const client = createCluster({ rootNodes: rootsOf(cluster) });
        await client.connect();
        const prefix = "hipflask:node:";
        const age = movedRedis(servers, prefix, clock);
        const store = movedNow(redisStore(after(age, client), { prefix }), clock);
        return { store, close: () => client.close() };
      },
      { scale: fullScale },
    );
  });

  it("keeps the records of Flask-Session", async () => {
    const ioRedis = new Cluster([...cluster.roots]);
    const nodeRedis = createCluster({ rootNodes: rootsOf(cluster) });
    await nodeRedis.connect();
    for (const client of [ioRedis, nodeRedis]) {
      const records = new RedisRecords(client, "session:");
      for (let round = 0; round < 20; round++) {
        const key = newToken().selector;
        const [text, next] = [Buffer.of(0x80, round), Buffer.of(0xff, round)];
        const commit = records.commitOf(text);
        expect(await records.insert(key, { text, commit: "", lifetime: 60 })).toBe(true);
        expect(await records.insert(key, { text: next, commit: "", lifetime: 60 })).toBe(false);
        expect(await records.replace(key, "other", { text: next, commit: "", lifetime: 60 })).toEqual({
          status: "conflict",
          current: { text, commit },
        });
        expect(await records.replace(key, commit, { text: next, commit: "", lifetime: 60 })).toEqual({
          status: "ok",
        });
        expect(await records.remove(key, commit)).toMatchObject({ status: "conflict" });
        expect(await records.remove(key)).toEqual({ status: "ok" });
        expect(await records.read(key)).toBeUndefined();
      }
    }
    await nodeRedis.close();
    await ioRedis.quit();
  });

  it("is opened by a URL that names some of its nodes", async () => {
    const [first, , third] = cluster.roots;
    const url = `redis+cluster://127.0.0.1:${first!.port},127.0.0.1:${third!.port}`;
    const store = await storeFromUrl(url);
    expect(store.name).toBe(`Redis at 127.0.0.1:${first!.port}`);
    const keys = await filled(store, 30);
    expect([...(await store.readMany!(keys, 10)).keys()].sort()).toEqual(keys.toSorted());
    await store.close?.();
  });

  it("refuses a client that reads from replicas", async () => {
    const replicas = createCluster({ rootNodes: rootsOf(cluster), useReplicas: true });
    expect(() => redisStore(replicas)).toThrow(/reads from replicas/);
    const scaled = new Cluster([...cluster.roots], { scaleReads: "slave" });
    expect(() => redisStore(scaled)).toThrow(/reads from replicas/);
    scaled.disconnect();
  });

  it.skipIf(packages.skip)(`refuses one of redis 4${packages.note}`, async () => {
    const { createCluster: createOlder } = packages.require("redis4") as {
      createCluster(options: object): { connect(): Promise<unknown>; disconnect(): Promise<unknown> };
    };
    const older = createOlder({ rootNodes: rootsOf(cluster), useReplicas: true });
    const plain = createOlder({ rootNodes: rootsOf(cluster) });
    await Promise.all([older.connect(), plain.connect()]);
    expect(() => redisStore(older as never)).toThrow(/reads from replicas/);
    expect(redisStore(plain as never).name).toContain("Redis");
    await Promise.all([older.disconnect(), plain.disconnect()]);
  });

  it("reads from the cache of a client, and sees what others write", async () => {
    const caching = createCluster({
      rootNodes: rootsOf(cluster),
      RESP: 3,
      clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" },
    });
    const plain = createCluster({ rootNodes: rootsOf(cluster) });
    await Promise.all([caching.connect(), plain.connect()]);
    const options = { prefix: "hipflask:cached:" };
    const [reader, writer] = [redisStore(caching, options), redisStore(plain, options)];
    const keys = await filled(writer, 30);
    for (const key of keys) expect(await reader.read(key)).toMatchObject({ commit: A });
    const { hitCount } = caching.clientSideCache!.stats();
    for (const key of keys) expect(await reader.read(key)).toMatchObject({ commit: A });
    expect(caching.clientSideCache!.stats().hitCount).toBe(hitCount + keys.length);

    for (const key of keys) await writer.replace(key, A, write("2", B));
    for (const key of keys) await untilTrue(async () => (await reader.read(key))?.commit === B);
    for (const key of keys) await writer.remove(key);
    for (const key of keys) await untilTrue(async () => (await reader.read(key)) === undefined);
    await Promise.all([caching.close(), plain.close()]);
  });

  it("survives the sudden end of a master", async () => {
    const client = new Cluster([...cluster.roots], { clusterRetryStrategy: () => 100 });
    client.on("error", () => {});
    const store = redisStore(client);
    const keys = await filled(store, 60);
    const ended = keys.splice(0, 20);
    for (const key of ended) await store.remove(key);
    await cluster.replicasAreInStep();

    const [master] = await cluster.masters();
    await master!.kill();
    await untilTrue(async () => answers(() => store.readMany!(keys, 10)));

    for (const key of keys) {
      expect(await store.read(key)).toMatchObject({ text: "1", commit: A });
      expect(await store.replace(key, A, write("2", B))).toEqual({ status: "ok" });
      expect(await store.read(key)).toMatchObject({ text: "2", commit: B });
    }
    for (const key of ended) {
      expect(await store.replace(key, A, write("late", B))).toEqual({ status: "gone" });
    }
    client.disconnect();
  }, 60_000);
});

function rootsOf(cluster: RedisCluster) {
  return cluster.roots.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }));
}

async function filled(store: Store, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, () => newToken().selector);
  for (const key of keys) expect(await store.insert(key, write("1", A))).toBe(true);
  return keys;
}

async function answers(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}
