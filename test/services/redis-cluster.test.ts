import { createCluster } from "@redis/client";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisRecords } from "../../src/stores/redis-records.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { SessionStore } from "../../src/stores/store.ts";
import { newToken, type Token } from "../../src/stores/token.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { command, hasRedisServer, redisServer, untilTrue, type RedisServer } from "./redis-server.ts";
import { fullScale } from "./service.ts";

const note = hasRedisServer ? "" : " (skipped: no redis-server on the PATH)";
const MASTERS = 3;
const SLOTS = 16_384;

describe.skipIf(!hasRedisServer && !process.env.CI)(`redisStore on a cluster${note}`, () => {
  /** Three masters, then a replica of each. */
  let servers: RedisServer[] = [];

  beforeAll(async () => {
    const options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    servers = await Promise.all(Array.from({ length: 2 * MASTERS }, () => redisServer(...options)));
    const [first] = servers;
    for (const server of servers.slice(1))
      await command(first!.port, "CLUSTER", "MEET", "127.0.0.1", server.port);
    for (const [index, { port }] of servers.slice(0, MASTERS).entries()) {
      const [from, to] = [index, index + 1].map((at) => Math.floor((at * SLOTS) / MASTERS));
      await command(port, "CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
    }
    await everywhere(
      async (port) => String(await command(port, "CLUSTER", "NODES")).split("\n").length > 2 * MASTERS,
    );
    for (const [index, { port }] of servers.slice(MASTERS).entries()) {
      const id = String(await command(servers[index]!.port, "CLUSTER", "MYID"));
      await untilTrue(async () => (await command(port, "CLUSTER", "REPLICATE", id)) === "OK");
    }
    await everywhere(async (port) =>
      String(await command(port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
    await replicasAreInStep();
  }, 60_000);
  afterAll(() => Promise.all(servers.map((server) => server.remove())));

  const roots = () => servers.map(({ port }) => ({ host: "127.0.0.1", port }));

  describe("over ioredis", () => {
    storeContract(
      { describe, it },
      async ({ clock, beforeCommand }) => {
        const cluster = new Cluster(roots());
        const counting = Object.assign(Object.create(cluster) as Cluster, {
          evalsha: async (...args: Parameters<typeof cluster.evalsha>) => {
            await beforeCommand();
            return cluster.evalsha(...args);
          },
        });
        return {
          store: redisStore(counting, { clockOffset: clock.offset }),
          another: redisStore(cluster, { clockOffset: clock.offset }),
          corrupt: (selector) => cluster.set(`hipflask:session:{${selector}}`, "nonsense"),
          dump: async (selector) => String(await cluster.get(`hipflask:session:{${selector}}`)),
          close: () => cluster.quit(),
        };
      },
      { corrupts: true, countsCommands: true, expiresItself: true, scale: fullScale },
    );
  });

  describe("over @redis/client", () => {
    storeContract(
      { describe, it },
      async ({ clock }) => {
        const cluster = createCluster({
          rootNodes: roots().map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
        });
        await cluster.connect();
        return { store: redisStore(cluster, { clockOffset: clock.offset }), close: () => cluster.close() };
      },
      { expiresItself: true, scale: fullScale },
    );
  });

  it("moves the records of Flask-Session between masters, and leaves none behind", async () => {
    const ioRedis = new Cluster(roots());
    const nodeRedis = createCluster({
      rootNodes: roots().map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
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

  it("survives the sudden end of a master", async () => {
    const cluster = new Cluster(roots(), { clusterRetryStrategy: () => 100 });
    cluster.on("error", () => {});
    const store = redisStore(cluster);
    const owner = newToken().selector;
    const claim = { owner, elapsed: () => 0 };
    const tokens = await sessions(store, 60, { claim });
    const ended = tokens.splice(0, 20);
    for (const token of ended) await store.destroy(token.selector);
    await replicasAreInStep();

    await servers[0]!.kill();
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
    cluster.disconnect();
  }, 60_000);

  async function everywhere(probe: (port: number) => Promise<boolean>): Promise<void> {
    for (const { port } of servers) await untilTrue(() => probe(port));
  }

  async function replicasAreInStep(): Promise<void> {
    for (const { port } of servers.slice(0, MASTERS)) {
      await untilTrue(async () => {
        const told = String(await command(port, "INFO", "replication"));
        const [, replica] = /state=online,offset=(\d+)/.exec(told) ?? [];
        const [, master] = /master_repl_offset:(\d+)/.exec(told) ?? [];
        return replica !== undefined && replica === master;
      });
    }
  }
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
