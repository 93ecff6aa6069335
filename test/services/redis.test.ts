import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import { describe, it } from "vitest";
import { redisStore, type RedisStoreOptions } from "../../src/stores/redis.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const service = await reachable("Redis", "REDIS_URL", url);
const capabilities = {
  corrupts: true,
  stops: true,
  expiresItself: true,
  countsCommands: true,
  scale: fullScale,
};

describe.skipIf(service.skip)(`redisStore over ioredis${service.note}`, () => {
  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      const { proxy, through, outage } = await behindProxy();
      const client = new Redis(through);
      client.on("error", () => {});
      const second = new Redis(url);
      const prefix = freshPrefix();
      const options: RedisStoreOptions = { prefix, clockOffset: clock.offset };
      const counting = {
        evalsha: async (...args: Parameters<typeof client.evalsha>) => {
          await beforeCommand();
          return client.evalsha(...args);
        },
        eval: (...args: Parameters<typeof client.eval>) => client.eval(...args),
        scan: client.scan.bind(client),
      };
      return {
        store: redisStore(counting as typeof client, options),
        another: redisStore(second, options),
        corrupt: (selector) => second.set(`${prefix}session:{${selector}}`, "[1,", "KEEPTTL"),
        dump: async (selector) => String(await second.get(`${prefix}session:{${selector}}`)),
        outage,
        async close() {
          for await (const keys of second.scanStream({ match: `${prefix}*` })) {
            if ((keys as string[]).length > 0) await second.del(keys as string[]);
          }
          await Promise.all([client.quit(), second.quit()]);
          await proxy.close();
        },
      };
    },
    capabilities,
  );
});

describe.skipIf(service.skip)(`redisStore over @redis/client${service.note}`, () => {
  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      const { proxy, through, outage } = await behindProxy();
      const client = createClient({ url: through });
      client.on("error", () => {});
      const second = createClient({ url });
      await Promise.all([client.connect(), second.connect()]);
      const prefix = freshPrefix();
      const options: RedisStoreOptions = { prefix, clockOffset: clock.offset };
      const counting = {
        evalSha: async (...args: Parameters<typeof client.evalSha>) => {
          await beforeCommand();
          return client.evalSha(...args);
        },
        eval: (...args: Parameters<typeof client.eval>) => client.eval(...args),
        scan: client.scan.bind(client),
      };
      return {
        store: redisStore(counting as unknown as typeof client, options),
        another: redisStore(second, options),
        corrupt: (selector) => second.set(`${prefix}session:{${selector}}`, "{}"),
        dump: async (selector) => String(await second.get(`${prefix}session:{${selector}}`)),
        outage,
        async close() {
          for await (const keys of second.scanIterator({ MATCH: `${prefix}*` })) {
            if (keys.length > 0) await second.del(keys);
          }
          await Promise.all([client.close(), second.close()]);
          await proxy.close();
        },
      };
    },
    capabilities,
  );
});

async function behindProxy() {
  const through = new URL(url);
  const proxy = await tcpProxy({ host: through.hostname, port: Number(through.port || 6379) });
  through.host = `127.0.0.1:${proxy.port}`;
  const outage = { begin: async () => proxy.cut(), end: async () => proxy.mend() };
  return { proxy, through: through.href, outage };
}

function freshPrefix(): string {
  return `hipflask-test-${randomBytes(6).toString("hex")}:`;
}
