import { Redis } from "ioredis";
import { durableObjectStore } from "../../src/stores/durable-object.ts";
import { dynamodbStore } from "../../src/stores/dynamodb.ts";
import { memcachedStore, type MemcachedClient } from "../../src/stores/memcached.ts";
import { mongodbStore, type MongoCollection } from "../../src/stores/mongodb.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { redisStore, type UpstashClient } from "../../src/stores/redis.ts";
import { databaseOf, type LibsqlClientHandle } from "../../src/stores/sql/handles.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { testClock } from "../../src/testing/clock.ts";
import { after, movedRedis, movedSql } from "../services/moved-time.ts";
import { reachable } from "../services/service.ts";
import { databases } from "../support/databases.ts";
import { startDynalite } from "../support/dynalite.ts";
import { libsqlServer } from "../support/libsql-server.ts";
import { memcached, startMemcached } from "../support/memcached.ts";
import { mongoStandIn } from "../support/mongo-stand-in.ts";
import { upstashProxy } from "../support/upstash-proxy.ts";
import { workerd } from "../support/workerd.ts";
import type { Engine, OpenedEngine } from "./engines.ts";

/** Engines whose clients are in test/databases, each reached by two clients of its own. */
export async function moreEngines(redisUrl: string, unique: () => string): Promise<readonly Engine[]> {
  const { skip, note, require } = databases();
  const redis = await reachable("Redis", "REDIS_URL", redisUrl);

  const engine = (name: string, open: Engine["open"], service = { skip: false, note: "" }): Engine => ({
    name: `${name}${note || service.note}`,
    skip: skip || service.skip,
    open,
  });

  return [
    engine("DynamoDB", async (clock = testClock()) => {
      const server = await startDynalite("sessions");
      const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
      const { DynamoDBDocument } = require("@aws-sdk/lib-dynamodb");
      const credentials = { accessKeyId: "x", secretAccessKey: "x" };
      const settings = { endpoint: server.url, region: "local", credentials, maxAttempts: 1 };
      const documents = [1, 2].map(() => DynamoDBDocument.from(new DynamoDBClient(settings)));
      const [store, another] = documents.map((document) =>
        dynamodbStore(document, { table: "sessions", now: clock.now }),
      );
      return opened(store!, another!, async () => {
        for (const document of documents) document.destroy();
        await server.close();
      });
    }),
    engine(
      "Memcached",
      async (clock = testClock()) => {
        const server = await startMemcached();
        const Memcached = require("memcached");
        const clients: Array<MemcachedClient & { end(): void }> = [1, 2].map(
          () => new Memcached(`127.0.0.1:${server.port}`, { retries: 0, remove: false }),
        );
        const [store, another] = clients.map((client) => memcachedStore(client, { now: clock.now }));
        return opened(store!, another!, async () => {
          for (const client of clients) client.end();
          server.stop();
        });
      },
      memcached,
    ),
    engine("MongoDB's driver", async (clock = testClock()) => {
      const server = await mongoStandIn(clock.now);
      const { MongoClient } = require("mongodb");
      const url = `mongodb://127.0.0.1:${server.port}/app?directConnection=true`;
      const clients = [new MongoClient(url), new MongoClient(url)];
      const [store, another] = clients.map((client) =>
        timed(mongodbStore(client.db().collection("sessions") as MongoCollection), clock.now),
      );
      return opened(store!, another!, async () => {
        for (const client of clients) await client.close();
        await server.close();
      });
    }),
    engine("libSQL's servers", async (clock = testClock()) => {
      const server = await libsqlServer();
      const { createClient } = require("@libsql/client");
      const clients: Array<LibsqlClientHandle & { close(): void }> = [1, 2].map(() =>
        createClient({ url: `http://127.0.0.1:${server.port}` }),
      );
      const [store, another] = clients.map((client) =>
        timed(sqlStore(movedSql(databaseOf(client), clock)), clock.now),
      );
      await store!.migrate();
      return opened(store!, another!, async () => {
        for (const client of clients) client.close();
        await server.close();
      });
    }),
    engine(
      "Redis over HTTP",
      async (clock = testClock()) => {
        const client = new Redis(redisUrl);
        const proxy = await upstashProxy(client);
        const prefix = `${unique()}:`;
        const age = movedRedis([client], prefix, clock);
        const { Redis: Upstash } = require("@upstash/redis");
        const settings = { url: proxy.url, token: "token", enableTelemetry: false, retry: false };
        const [store, another] = [1, 2].map(() => {
          const http = after(age, new Upstash(settings) as UpstashClient);
          return timed(redisStore(http, { prefix }), clock.now);
        });
        return opened(store!, another!, async () => {
          const keys = await client.keys(`${prefix}*`);
          if (keys.length > 0) await client.del(keys);
          await proxy.close();
          await client.quit();
        });
      },
      redis,
    ),
  ];
}

/** Engines of Cloudflare's workers, whose clock cannot be moved. A step takes workerd some milliseconds. */
export async function workerdEngines(): Promise<readonly Engine[]> {
  const { skip, note } = databases();
  const engine = (name: string, storeOf: (worker: Workerd) => Store): Engine => ({
    name: `${name}${note}`,
    skip,
    share: 0.05,
    async open() {
      const worker = await workerd();
      const [store, another] = [storeOf(worker), storeOf(worker)];
      await store.migrate?.();
      return opened(store, another, worker.close);
    },
  });
  return [
    engine("Durable Objects", (worker) => durableObjectStore(worker.objects())),
    engine("D1", (worker) => sqlStore(worker.d1())),
  ];
}

type Workerd = Awaited<ReturnType<typeof workerd>>;

/** The same store, whose clock is asked each time: a real one does not jump, so it need not be. */
function timed<Opened extends Store>(store: Opened, now: () => number): Opened {
  return Object.assign(store, { now });
}

function opened(store: Store, another: Store, close: () => Promise<void>): OpenedEngine {
  return {
    store,
    another,
    async corrupt(selector) {
      const stored = await store.read(selector);
      await store.replace(selector, stored!.commit, { text: "[1,", commit: "x".repeat(16), lifetime: 600 });
    },
    dump: async (selector) => (await another.read(selector))?.text ?? "",
    close,
  };
}
