import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisStore, type UpstashClient } from "../../src/stores/redis.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { upstashProxy } from "../support/upstash-proxy.ts";
import { fullScale, reachable } from "./service.ts";

const url = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379";
const packages = databases();
const service = await reachable("Redis", "REDIS_URL", url);
const prefix = `hipflask_upstash_${process.pid}:`;

describe.skipIf(packages.skip || service.skip)(
  `redisStore with @upstash/redis, over HTTP${packages.note}${service.note}`,
  () => {
    let redis: Redis;
    let proxy: Awaited<ReturnType<typeof upstashProxy>>;
    const client = (options = {}): UpstashClient => {
      const { Redis: Upstash } = packages.require("@upstash/redis");
      return new Upstash({
        url: proxy.url,
        token: "token",
        enableTelemetry: false,
        retry: false,
        ...options,
      });
    };

    beforeAll(async () => {
      redis = new Redis(url);
      proxy = await upstashProxy(redis);
    });
    afterAll(async () => {
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      await proxy.close();
      await redis.quit();
    });

    storeContract(
      { describe, it },
      () => ({ store: redisStore(client(), { prefix }), another: redisStore(client(), { prefix }) }),
      { scale: fullScale / 5, movesTime: false },
    );

    it("works however the client reads its answers", async () => {
      for (const options of [
        { automaticDeserialization: false },
        { responseEncoding: false },
        { enableAutoPipelining: false },
      ]) {
        const store = redisStore(client(options), { prefix });
        const key = `options-${JSON.stringify(options).length}`;
        const [first, second] = ["1234567890123456", "A".repeat(16)];
        expect(await store.insert(key, { text: '["2","é"]\n{}', commit: first, lifetime: 60 })).toBe(true);
        expect(await store.read(key)).toEqual({ text: '["2","é"]\n{}', commit: first });
        expect(await store.replace(key, first, { text: "[]", commit: second, lifetime: 60 })).toEqual({
          status: "ok",
        });
        expect(await store.remove(key, second)).toEqual({ status: "ok" });
      }
    });
  },
);
