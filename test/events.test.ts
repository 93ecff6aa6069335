import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { session } from "../src/index.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { faultyStore } from "../src/testing.ts";
import { visitorOf } from "./stores/visitor.ts";

const CHANNELS = ["opened", "refused", "saved", "created", "rotated", "destroyed", "lost", "storeFailed"];

let heard: [name: string, message: unknown][];
const listeners = CHANNELS.map((name) => {
  const listener = (message: unknown) => void heard.push([name, message]);
  return [`hipflask:${name}`, listener] as const;
});

beforeEach(() => {
  heard = [];
  for (const [name, listener] of listeners) subscribe(name, listener);
});
afterEach(() => {
  for (const [name, listener] of listeners) unsubscribe(name, listener);
});

const named = (name: string) => heard.filter(([channel]) => channel === name).map(([, message]) => message);

describe("events of stored sessions", () => {
  it("tell of each cookie that is set or removed, and of nothing else that is kept", async () => {
    const visitor = visitorOf({ store: memoryStore() });
    await visitor.visit(() => (session.username = "ada"));
    await visitor.visit(() => (session.theme = "dark"));
    await visitor.visit(() => session.regenerate({ keep: true }));
    await visitor.visit(() => session.destroy());
    expect(named("saved")).toEqual([
      { outcome: "write", cookieName: "session" },
      { outcome: "write", cookieName: "session" },
      { outcome: "delete", cookieName: "session" },
    ]);
    expect([named("created"), named("rotated"), named("destroyed")]).toMatchObject([
      { length: 1 },
      { length: 1 },
      { length: 1 },
    ]);
  });

  it("tell of a store that fails, once for each verb, and why", async () => {
    const store = faultyStore(memoryStore());
    const visitor = visitorOf({ store, storeOptions: { storeTimeout: 0.03 } });
    await visitor.visit(() => (session.username = "ada"));
    for (const [fault, reason] of [
      ["rejects", "unavailable"],
      ["throws", "unavailable"],
      ["hangs", "timeout"],
    ] as const) {
      heard = [];
      store.fail("read", fault);
      await expect(visitor.visit(() => session.username)).rejects.toMatchObject({ reason });
      store.recover();
      expect(named("storeFailed")).toEqual([{ verb: "read", reason }]);
    }
  });

  it("hold neither tokens nor data", async () => {
    const visitor = visitorOf({ store: memoryStore() });
    await visitor.visit(() => (session.username = "a-private-name"));
    await visitor.visit(() => session.username);
    const [, verifier] = visitor.cookie.split(".");
    const told = JSON.stringify(heard);
    expect(told).toContain("selector");
    expect(told).not.toContain(verifier);
    expect(told).not.toContain("a-private-name");
  });
});
