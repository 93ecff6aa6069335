import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { memcachedStore, type MemcachedClient } from "../../src/stores/memcached.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { fullScale } from "./service.ts";

const packages = databases();
const program = ["/usr/bin/memcached", "/usr/local/bin/memcached"].find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});
const skip = packages.skip || (program === undefined && !process.env["CI"]);
const note = packages.note || (program === undefined ? " (skipped: there is no memcached)" : "");

type Client = MemcachedClient & { end(): void };

describe.skipIf(skip)(`memcachedStore on memcached${note}`, () => {
  let server: ChildProcess;
  let port: number;
  let clients: Client[] = [];

  function client(): Client {
    const Memcached = packages.require("memcached");
    const made = new Memcached(`127.0.0.1:${port}`, {
      retries: 0,
      remove: false,
      maxValue: 1_000_000,
    }) as Client;
    clients.push(made);
    return made;
  }

  beforeAll(async () => {
    port = await freePort();
    const asRoot = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
    server = spawn(program!, ["-l", "127.0.0.1", "-p", String(port), ...asRoot], { stdio: "ignore" });
    const answers = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(!socket.destroy().connecting));
        socket.on("error", () => resolve(false));
      });
    await vi.waitFor(async () => {
      if (!(await answers())) throw new Error("memcached does not answer yet");
    }, 10_000);
  });
  afterAll(() => {
    for (const each of clients) each.end();
    clients = [];
    server.kill();
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

  it("refuses a client without compare-and-set", () => {
    for (const wrong of [undefined, "127.0.0.1:11211", { get() {} }]) {
      expect(() => memcachedStore(wrong as never)).toThrow(
        /memcachedStore takes a client of the memcached package/,
      );
    }
  });
});
