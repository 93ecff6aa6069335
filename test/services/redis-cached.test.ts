import { createClient } from "@redis/client";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { session } from "../../src/index.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { newToken } from "../../src/stores/parts/token.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { untilTrue } from "./redis-server.ts";
import { fullScale, reachable } from "./service.ts";

const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const service = await reachable("Redis", "REDIS_URL", url);
const options = { prefix: `hipflask-cached-${process.pid}:` };
const write = (text: string, commit: string) => ({ text, commit, lifetime: 600 });

/** The client that docs/stores.md shows. */
function caching() {
  const client = createClient({
    url,
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 10_000, evictPolicy: "LRU" },
  });
  client.on("error", () => {});
  return client;
}

/** A server of its own process, as far as its client of Redis goes. */
function serve(store: Store): Promise<Listening> {
  const withSession = sessions({ secretKey: "k", store, storeOptions: { sweepEvery: 0 } });
  return listen(
    createServer(
      withSession((req, res) => {
        if (req.url === "/count") session.transact("n", (n) => Number(n ?? 0) + 1);
        if (req.url === "/logout") session.destroy();
        res.end(JSON.stringify(session.n ?? null));
      }),
    ),
  );
}

describe.skipIf(service.skip)(`redisStore over a client with clientSideCache${service.note}`, () => {
  const [first, second, plain] = [caching(), caching(), createClient({ url })];
  const servers: Listening[] = [];
  beforeAll(async () => {
    await Promise.all([first.connect(), second.connect(), plain.connect()]);
    for (const client of [first, second]) servers.push(await serve(redisStore(client, options)));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    for await (const keys of plain.scanIterator({ MATCH: `${options.prefix}*` })) {
      if (keys.length > 0) await plain.del(keys);
    }
    await Promise.all([first.close(), second.close(), plain.close()]);
  });

  async function ask(server: number, path: string, cookie = "") {
    const answer = await fetch(`http://127.0.0.1:${servers[server]!.port}${path}`, { headers: { cookie } });
    const [set] = answer.headers.getSetCookie();
    return { status: answer.status, cookie: set?.split(";")[0] ?? cookie, text: await answer.text() };
  }

  it("reads unchanged records from memory", async () => {
    const [reader, writer] = [redisStore(first, options), redisStore(plain, options)];
    const { selector: key } = newToken();
    await writer.insert(key, write("1", "A".repeat(16)));
    await reader.read(key);
    const { hitCount, missCount } = first.clientSideCache!.stats();
    for (let round = 0; round < 10; round++) expect(await reader.read(key)).toMatchObject({ text: "1" });
    expect(first.clientSideCache!.stats()).toMatchObject({ hitCount: hitCount + 10, missCount });
  });

  it("loses no count to a copy that is out of date", async () => {
    const rounds = Math.max(50, Math.ceil(500 * fullScale));
    const { cookie } = await ask(0, "/count");
    for (let round = 0; round < rounds; round++) {
      const both = await Promise.all([ask(0, "/count", cookie), ask(1, "/count", cookie)]);
      expect(both.map(({ status }) => status)).toEqual([200, 200]);
    }
    await untilTrue(async () => (await ask(0, "/", cookie)).text === String(1 + 2 * rounds));
    await untilTrue(async () => (await ask(1, "/", cookie)).text === String(1 + 2 * rounds));
  });

  it("does not restore sessions that ended elsewhere, nor logins after a logout", async () => {
    for (let round = 0; round < Math.max(20, Math.ceil(200 * fullScale)); round++) {
      const { cookie } = await ask(0, "/count");
      await ask(1, "/", cookie);
      await ask(0, "/logout", cookie);
      const late = await ask(1, "/count", cookie);
      await untilTrue(async () => (await ask(1, "/", cookie)).text === "null", 1);
      await untilTrue(async () => (await ask(0, "/", cookie)).text === "null", 1);
      // It was refused, or it was a new session under another token.
      const counted = late.cookie === cookie ? "1" : (await ask(0, "/", late.cookie)).text;
      expect(counted).toBe("1");
    }
  });

  it("forgets what it knew when its connection is lost", async () => {
    const reader = redisStore(second, options);
    const writer = redisStore(plain, options);
    const { selector: key } = newToken();
    await writer.insert(key, write("1", "A".repeat(16)));
    await reader.read(key);
    const id = await second.clientId();
    await plain.sendCommand(["CLIENT", "KILL", "ID", String(id)]);
    await writer.replace(key, "A".repeat(16), write("2", "B".repeat(16)));
    await untilTrue(async () => (await reader.read(key).catch(() => undefined))?.text === "2", 5);
    expect((await reader.read(key))?.text).toBe("2");
  });
});
