import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memcachedStore, type MemcachedClient } from "../../src/stores/memcached.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { memcached, startMemcached } from "../support/memcached.ts";
import { fullScale } from "./service.ts";

const packages = databases();
const skip = packages.skip || memcached.skip;
const note = packages.note || memcached.note;

type Client = MemcachedClient & { end(): void };

describe.skipIf(skip)(`memcachedStore on memcached${note}`, () => {
  let server: Awaited<ReturnType<typeof startMemcached>>;
  let clients: Client[] = [];

  function client(): Client {
    const Memcached = packages.require("memcached");
    const made = new Memcached(`127.0.0.1:${server.port}`, {
      retries: 0,
      remove: false,
      maxValue: 1_000_000,
    }) as Client;
    clients.push(made);
    return made;
  }

  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => {
    for (const each of clients) each.end();
    clients = [];
    server.stop();
  });

  storeContract(
    { describe, it },
    ({ clock }) => ({
      store: memcachedStore(client(), { now: clock.now }),
      another: memcachedStore(client(), { now: clock.now }),
    }),
    { scale: fullScale / 5 },
  );

  it("keeps a record that was removed on condition away from a writer who read it before", async () => {
    const [store, another] = [memcachedStore(client()), memcachedStore(client())];
    const commit = "A".repeat(16);
    await store.insert("removed", { text: "1", commit, lifetime: 60 });
    expect(await store.remove("removed", commit)).toEqual({ status: "ok" });
    expect(
      await another.replace("removed", commit, { text: "2", commit: "B".repeat(16), lifetime: 60 }),
    ).toEqual({
      status: "gone",
    });
    expect(await another.insert("removed", { text: "3", commit: "C".repeat(16), lifetime: 60 })).toBe(true);
  });
});
