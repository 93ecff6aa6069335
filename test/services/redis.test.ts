import { createClient, RESP_TYPES } from "@redis/client";
import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { redisStore } from "../../src/stores/redis.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { withTimeout } from "../../src/stores/parts/store-calls.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import type { StoreTools } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { after, movedNow, movedRedis } from "./moved-time.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const service = await reachable("Redis", "REDIS_URL", url);
const capabilities = { corrupts: true, stops: true, countsCommands: true, scale: fullScale };

/** Texts as bytes, and numbers as text. */
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String } };

type NodeRedis = ReturnType<typeof createClient>;
type NodeOptions = NonNullable<Parameters<typeof createClient>[0]>;

describe.skipIf(service.skip)(`redisStore over ioredis${service.note}`, () => {
  for (const [title, given] of [
    ["as it comes", {}],
    ["with a keyPrefix", { keyPrefix: "app:" }],
    ["with numbers as text, pipelining by itself", { stringNumbers: true, enableAutoPipelining: true }],
  ] as const) {
    describe(`${title}`, () => {
      storeContract(
        { describe, it },
        async (tools) => {
          const { proxy, through, outage } = await behindProxy();
          const client = new Redis(through, given);
          client.on("error", () => {});
          const second = new Redis(url, given);
          const end = async () => {
            await Promise.all([client.quit(), second.quit()]);
            await proxy.close();
          };
          const keyPrefix = "keyPrefix" in given ? given.keyPrefix : "";
          const { clear, ...under } = stores(tools, client, second, keyPrefix);
          const close = () => clear().then(end);
          return { ...under, outage, close };
        },
        capabilities,
      );
    });
  }
});

describe.skipIf(service.skip)(`redisStore over @redis/client${service.note}`, () => {
  for (const [title, given] of [
    ["as it comes", {}],
    ["in RESP2", { RESP: 2 }],
    ["with bytes for texts and text for numbers", { commandOptions: BYTES }],
    ["with a keyPrefix", { keyPrefix: "app:" }],
  ] as ReadonlyArray<readonly [string, NodeOptions]>) {
    describe(`${title}`, () => {
      storeContract(
        { describe, it },
        async (tools) => {
          const { proxy, through, outage } = await behindProxy();
          const [client, second] = await Promise.all([connected(through, given), connected(url, given)]);
          const end = async () => {
            await Promise.all([client.close(), second.close()]);
            await proxy.close();
          };
          const keyPrefix = "keyPrefix" in given ? String(given.keyPrefix) : "";
          const { clear, ...under } = stores(tools, client, second, keyPrefix);
          const close = () => clear().then(end);
          return { ...under, outage, close };
        },
        capabilities,
      );
    });
  }
});

/** The store behind the proxy, another one past it, and what the contract may do to their records. */
function stores(
  { clock, beforeCommand }: StoreTools,
  client: Redis | NodeRedis,
  second: Redis | NodeRedis,
  keyPrefix: string,
) {
  const prefix = `hipflask-test-${randomBytes(6).toString("hex")}:`;
  const admin = new Redis(url);
  const age = movedRedis([admin], keyPrefix + prefix, clock);
  const counting = after(async () => {
    await beforeCommand();
    await age();
  }, client as Redis);
  const opened = (of: Redis): Store => movedNow(redisStore(of, { prefix }), clock);
  const name = (key: string) => keyPrefix + prefix + key;
  return {
    store: opened(counting),
    another: opened(after(age, second as Redis)),
    corrupt: (key: string) => admin.set(name(key), "[1,", "KEEPTTL"),
    dump: async (key: string) => String(await admin.get(name(key))),
    async clear() {
      for await (const keys of admin.scanStream({ match: `${name("")}*` })) {
        if ((keys as string[]).length > 0) await admin.del(keys as string[]);
      }
      await admin.quit();
    },
  };
}

const packages = databases();

describe.skipIf(service.skip || packages.skip)(
  `redisStore over @redis/client 1, of redis 4${service.note || packages.note}`,
  () => {
    storeContract(
      { describe, it },
      async (tools) => {
        const { createClient: createOlder } = packages.require("redis4") as {
          createClient: typeof createClient;
        };
        const open = async () => (await createOlder({ url }).connect()) as NodeRedis;
        const [client, second] = [await open(), await open()];
        const { clear, ...under } = stores(tools, client, second, "");
        const close = async () => {
          await clear();
          await Promise.all([client.disconnect(), second.disconnect()]);
        };
        return { ...under, close };
      },
      { corrupts: true, countsCommands: true, scale: fullScale },
    );
  },
);

describe.skipIf(service.skip)(`redisStore${service.note}`, () => {
  it("rejects with an error, and answers nothing, where a client answers with something else", async () => {
    const strange = {
      isOpen: true,
      get: async () => ({}),
      evalSha: async () => true,
      set: async () => undefined,
    };
    const store = redisStore(strange as never);
    const write = { text: "x", commit: "AAAAAAAAAAAAAAAA", lifetime: 60 };
    for (const step of [
      () => store.read("k"),
      () => store.insert("k", write),
      () => store.replace("k", write.commit, write),
      () => store.now!(),
    ]) {
      await expect(step()).rejects.toMatchObject({ code: "STORE", reason: "unavailable" });
    }
  });

  it("names its server in errors, and never a password", async () => {
    const { port } = new URL(url);
    const at = `redis://user:p%2Fss@127.0.0.1:${port}/0`;
    const client = createClient({ url: at, disableOfflineQueue: true }).on("error", () => {});
    client.connect().catch(() => {});
    const store = redisStore(client);
    expect(store.name).toBe(`Redis at 127.0.0.1:${port}`);
    const reading = withTimeout(store.name, "read", 2, () => store.read("k"));
    await expect(reading).rejects.toThrow(`Redis at 127.0.0.1:${port} could not "read": `);
    client.destroy();
  });
});

async function connected(through: string, options: NodeOptions): Promise<NodeRedis> {
  const client = createClient({ ...options, url: through });
  client.on("error", () => {});
  await client.connect();
  return client as NodeRedis;
}

async function behindProxy() {
  const through = new URL(url);
  const proxy = await tcpProxy({ host: through.hostname, port: Number(through.port || 6379) });
  through.host = `127.0.0.1:${proxy.port}`;
  const outage = { begin: async () => proxy.cut(), end: async () => proxy.mend() };
  return { proxy, through: through.href, outage };
}
