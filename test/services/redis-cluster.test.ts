import { createCluster } from "@redis/client";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storeFromUrl } from "../../src/stores/from-url.ts";
import { RedisRecords } from "../../src/stores/flask-session/records.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { SessionStore } from "../../src/stores/verbs.ts";
import { newToken, type Token } from "../../src/stores/token.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { redisCluster, type RedisCluster } from "./redis-cluster.ts";
import { hasRedisServer, untilTrue } from "./redis-server.ts";
import { fullScale } from "./service.ts";

const note = hasRedisServer ? "" : " (skipped: no redis-server on the PATH)";

describe.skipIf(!hasRedisServer && !process.env.CI)(`redisStore on a cluster${note}`, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await redisCluster();
  }, 60_000);
  afterAll(() => cluster.remove());

  describe("over ioredis", () => {
    storeContract(
      { describe, it },
      async ({ clock, beforeCommand }) => {
        const client = new Cluster([...cluster.roots]);
        client.on("error", () => {});
        const counting = Object.assign(Object.create(client) as Cluster, {
          evalsha: async (...args: Parameters<typeof client.evalsha>) => {
            await beforeCommand();
            return client.evalsha(...args);
          },
        });
        return {
          store: redisStore(counting, { clockOffset: clock.offset }),
          another: redisStore(client, { clockOffset: clock.offset }),
          corrupt: (selector) => client.set(`hipflask:session:{${selector}}`, "nonsense"),
          dump: async (selector) => String(await client.get(`hipflask:session:{${selector}}`)),
          outage: { begin: async () => cluster.pause(), end: () => cluster.resume() },
          close: () => client.quit(),
        };
      },
      { corrupts: true, stops: true, countsCommands: true, expiresItself: true, scale: fullScale },
    );
  });

  describe("over @redis/client", () => {
    storeContract(
      { describe, it },
      async ({ clock }) => {
        const client = createCluster({
          rootNodes: cluster.roots.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
        });
        await client.connect();
        return { store: redisStore(client, { clockOffset: clock.offset }), close: () => client.close() };
      },
      { expiresItself: true, scale: fullScale },
    );
  });

  it("moves the records of Flask-Session between masters, and leaves none behind", async () => {
    const ioRedis = new Cluster([...cluster.roots]);
    const nodeRedis = createCluster({
      rootNodes: cluster.roots.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
    });
    await nodeRedis.connect();
    for (const client of [ioRedis, nodeRedis]) {
      const records = new RedisRecords(client, "session:");
      // Among so many pairs of keys there are some within a slot's master and some across.
      for (let round = 0; round < 20; round++) {
        const [before, after] = [newToken().selector, newToken().selector];
        const [content, next] = [Buffer.of(0x80, round), Buffer.of(0x81, round)];
        expect(await records.insert(before, { content, lifetime: 60 })).toBe("ok");
        const moved = { key: after, content: next, lifetime: 60 };
        expect(await records.replace(before, next, moved)).toEqual({ status: "conflict", content });
        expect(await records.replace(before, content, moved)).toEqual({ status: "ok" });
        expect([await records.read(before), await records.read(after)]).toEqual([null, next]);
        expect(await records.replace(before, content, moved)).toEqual({ status: "gone" });
      }
    }
    await nodeRedis.close();
    await ioRedis.quit();
  });

  it("is opened by a URL that names some of its nodes", async () => {
    const [first, , third] = cluster.roots;
    const url = `redis+cluster://127.0.0.1:${first!.port},127.0.0.1:${third!.port}`;
    const store = await storeFromUrl(url);
    const tokens = await sessions(store, 30, {});
    const selectors = tokens.map(({ selector }) => selector);
    expect(await store.live(selectors)).toEqual(selectors);
    await store.close?.();
  });

  it("survives the sudden end of a master", async () => {
    const client = new Cluster([...cluster.roots], { clusterRetryStrategy: () => 100 });
    client.on("error", () => {});
    const store = redisStore(client);
    const owner = newToken().selector;
    const claim = { owner, elapsed: () => 0 };
    const tokens = await sessions(store, 60, { claim });
    const ended = tokens.splice(0, 20);
    for (const token of ended) await store.destroy(token.selector);
    await cluster.replicasAreInStep();

    const [master] = await cluster.masters();
    await master!.kill();
    await untilTrue(async () => answers(() => store.live(tokens.map(({ selector }) => selector))));

    for (const [index, { selector, verifierHash }] of tokens.entries()) {
      const set = new Map([["after", String(index)]]);
      expect(await store.patch(selector, verifierHash, { set })).toEqual({ status: "ok" });
      const found = await store.read(selector);
      expect(found.status === "ok" && Object.fromEntries(found.record.fields)).toEqual({
        a: "1",
        after: String(index),
      });
    }
    for (const { selector, verifierHash } of ended) {
      const set = new Map([["late", "1"]]);
      expect(await store.patch(selector, verifierHash, { set, expiry: { idle: 60 } })).toEqual({
        status: "gone",
      });
    }
    expect(await store.list(owner)).toHaveLength(tokens.length);
    expect((await store.destroyAll(owner)).ended).toHaveLength(tokens.length);
    expect(await store.live(tokens.map(({ selector }) => selector))).toEqual([]);
    client.disconnect();
  }, 60_000);
});

async function sessions(store: SessionStore, count: number, given: object): Promise<Token[]> {
  const tokens = Array.from({ length: count }, () => newToken());
  for (const token of tokens) {
    await store.create({ ...token, fields: new Map([["a", "1"]]), expiry: { idle: 600 }, ...given });
  }
  return tokens;
}

async function answers(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}
