import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { storeFromUrl } from "../../src/stores/from-url.ts";
import { databases } from "../support/databases.ts";
import { startDynalite } from "../support/dynalite.ts";
import { freePort } from "../support/free-port.ts";
import { libsqlServer } from "../support/libsql-server.ts";
import { memcached, startMemcached } from "../support/memcached.ts";
import { mongoStandIn } from "../support/mongo-stand-in.ts";
import { upstashProxy } from "../support/upstash-proxy.ts";
import { reachable } from "./service.ts";

const packages = databases();
const redisUrl = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379";
const redis = await reachable("Redis", "REDIS_URL", redisUrl);

const PACKAGES = [
  "@aws-sdk/client-dynamodb",
  "@aws-sdk/lib-dynamodb",
  "@libsql/client",
  "@upstash/redis",
  "mongodb",
];

/** What becomes of a record that two stores of the same URL write in turn, as two processes would. */
async function travels(url: string): Promise<unknown[]> {
  const [first, second] = [await storeFromUrl(url), await storeFromUrl(url)];
  const key = `hipflask_url_${process.pid}_${Date.now()}`;
  const [one, two] = ["A".repeat(16), "B".repeat(16)];
  const became = [
    await first.insert(key, { text: "1", commit: one, lifetime: 60 }),
    (await second.replace(key, one, { text: "2", commit: two, lifetime: 60 })).status,
    (await first.replace(key, one, { text: "3", commit: "C".repeat(16), lifetime: 60 })).status,
    (await first.read(key))?.text,
    (await first.remove(key, two)).status,
    await second.read(key),
  ];
  await first.close?.();
  await second.close?.();
  return became;
}
const TRAVELLED = [true, "ok", "conflict", "2", "ok", undefined];

describe.skipIf(packages.skip)(`storeFromUrl${packages.note}`, () => {
  beforeAll(() => {
    // The packages of test/databases, in place of those that an app would have installed.
    for (const name of PACKAGES) vi.doMock(name, () => packages.require(name) as object);
    vi.doMock("memcached", () => ({ default: packages.require("memcached") as unknown }));
  });
  afterAll(() => {
    for (const name of [...PACKAGES, "memcached"]) vi.doUnmock(name);
  });

  it("opens libsql: with its token, and makes the table", async () => {
    const server = await libsqlServer("s3cret");
    expect(await travels(`libsql://127.0.0.1:${server.port}?tls=0&authToken=s3cret`)).toEqual(TRAVELLED);
    await server.close();
  });

  it.skipIf(redis.skip)(`opens https: of Redis over HTTP${redis.note}`, async () => {
    const client = new Redis(redisUrl);
    const proxy = await upstashProxy(client);
    expect(await travels(proxy.url.replace("//", "//:t0ken@"))).toEqual(TRAVELLED);
    await proxy.close();
    await client.quit();
  });

  it("opens dynamodb: as the environment says", async () => {
    const server = await startDynalite("app-sessions");
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", server.url);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "x");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "x");
    expect(await travels("dynamodb://local/app-sessions")).toEqual(TRAVELLED);
    await expect(storeFromUrl("dynamodb://local/elsewhere")).rejects.toThrow(
      /DynamoDB's table "elsewhere" is not there: create a table with the partition key "id"/,
    );
    vi.unstubAllEnvs();
    await server.close();
  });

  it("opens mongodb:, in the database of its path", async () => {
    const server = await mongoStandIn(Date.now);
    expect(await travels(`mongodb://127.0.0.1:${server.port}/app?directConnection=true`)).toEqual(TRAVELLED);
    const store = await storeFromUrl(`mongodb://127.0.0.1:${server.port}/app?directConnection=true`);
    expect(store.name).toBe(`MongoDB's app.hipflask_sessions at 127.0.0.1:${server.port}`);
    await store.close?.();
    await server.close();
  });

  it.skipIf(memcached.skip)(`opens memcached:${memcached.note}`, async () => {
    const server = await startMemcached();
    const url = `memcached://127.0.0.1:${server.port}`;
    expect(await travels(url)).toEqual(TRAVELLED);
    // The client's own pool has 10 connections, and refuses the eleventh request.
    const store = await storeFromUrl(url);
    expect(await Promise.all(Array.from({ length: 64 }, () => store.read("key")))).toHaveLength(64);
    await store.close?.();
    server.stop();
  });

  it("says where nothing answers, and shows neither password nor token", async () => {
    const port = await freePort();
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", `http://127.0.0.1:${port}`);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "x");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "hunter2");
    for (const url of [
      `libsql://127.0.0.1:${port}?tls=0&authToken=hunter2`,
      `libsql://127.0.0.1:${port}?tls=maybe&authToken=hunter2`,
      `http://:hunter2@127.0.0.1:${port}`,
      `mongodb://ada:hunter2@127.0.0.1:${port}/app?serverSelectionTimeoutMS=50`,
      `mongodb://ada:hunter2@127.0.0.1:${port}/app?nonsense=hunter2`,
      `memcached://127.0.0.1:${port}`,
      "dynamodb://local/sessions",
    ]) {
      const error: unknown = await storeFromUrl(url).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(?:STORE|CONFIG)$/) as string });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
    }
    vi.unstubAllEnvs();
  });
});
