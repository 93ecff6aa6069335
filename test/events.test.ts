import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { session, SessionLostError, StoreError } from "../src/index.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { faultyStore, testClock } from "../src/testing.ts";
import { recordsIn, tokenIn } from "./stores/stored.ts";
import { type Visitor, visitorOf } from "./stores/visitor.ts";

const CHANNELS = [
  "opened",
  "refused",
  "saved",
  "created",
  "rotated",
  "destroyed",
  "reused",
  "lost",
  "storeFailed",
];

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

  it("name the session and its owner, and are told of no other", async () => {
    const visitor = visitorOf({ store: memoryStore() });
    await visitor.visit(() => (session.owner = "ada"));
    const [selector] = tokenIn(visitor.cookie);
    await visitor.visit(() => (session.theme = "dark"));
    await visitor.visit(() => session.regenerate({ keep: true }));
    await visitor.visit(() => session.destroy());
    for (const name of ["created", "rotated", "destroyed"])
      expect([name, named(name)]).toEqual([name, [{ selector, owner: "ada" }]]);
    expect(named("lost")).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ["in a session of its own", () => {}],
    ["in a session that was there", () => (session.cart = [])],
  ])("tell which session a login ended, at the limit of its owner: %s", async (_, before) => {
    const options = { store: memoryStore(), storeOptions: { maxPerOwner: 1 } };
    const [phone, laptop] = [visitorOf(options), visitorOf(options)];
    await phone.visit(() => (session.owner = "ada"));
    const [selector] = tokenIn(phone.cookie);
    await laptop.visit(before);
    await laptop.visit(() => (session.owner = "ada"));
    expect(named("destroyed")).toEqual([{ selector, owner: "ada" }]);
  });

  it("tell that a stolen token ended its session", async () => {
    const clock = testClock();
    const store = memoryStore({ now: clock.now });
    const storeOptions = { rotateAfter: 60, rotationGrace: 30, reusedTokens: "destroy" } as const;
    const ada = visitorOf({ store, now: clock.now, storeOptions });
    await ada.visit(() => (session.owner = "ada"));
    const stolen = ada.cookie;
    clock.advance(60);
    await ada.visit(() => session.a);
    clock.advance(30);
    await ada.visit(() => session.a, { cookie: stolen });
    const [selector] = tokenIn(stolen);
    expect([named("reused"), named("destroyed")]).toEqual([
      [{ selector, owner: "ada" }],
      [{ selector, owner: "ada" }],
    ]);
  });

  describe("of changes that are lost", () => {
    const clock = testClock();
    let store: ReturnType<typeof faultyStore>;
    let ada: Visitor;
    let tab: Visitor;
    beforeEach(async () => {
      store = faultyStore(memoryStore({ now: clock.now }));
      const options = { store, now: clock.now, storeOptions: { touchEvery: 60 } };
      [ada, tab] = [visitorOf(options), visitorOf(options)];
      await ada.visit(() => (session.cart = []));
      tab.cookie = ada.cookie;
    });
    const endAll = async () => {
      clock.advance(1);
      await recordsIn(store).destroyAll("ada", undefined);
      clock.advance(1);
    };

    it.each<[string, () => unknown, string]>([
      ["a write to a session that was ended", () => tab.visit(() => session.destroy()), "gone"],
      [
        "a write to a session that has another token",
        () => tab.visit(() => session.regenerate()),
        "verifier",
      ],
    ])("name the session and say why: %s", async (_, meanwhile, reason) => {
      const [selector] = tokenIn(ada.cookie);
      await ada.visit(async () => {
        session.a = 1;
        await meanwhile();
      });
      expect(named("lost")).toEqual([{ selector, owner: null, reason }]);
    });

    it("say that a login came before a logout, which ends nothing", async () => {
      const [selector] = tokenIn(ada.cookie);
      await ada.visit(async () => {
        session.destroy();
        await tab.visit(() => (session.owner = "ada"));
      });
      expect(named("lost")).toEqual([{ selector, owner: null, reason: "verifier" }]);
      expect(named("destroyed")).toEqual([]);
    });

    it("say that all sessions of the owner were ended while the login was under way", async () => {
      const [selector] = tokenIn(ada.cookie);
      const login = ada.visit(async () => {
        await endAll();
        session.owner = "ada";
      });
      await expect(login).rejects.toThrow(SessionLostError);
      expect(named("lost")).toEqual([{ selector, owner: "ada", reason: "revoked" }]);
    });

    it("say at the next touch that a session was ended, where it could not be removed", async () => {
      await ada.visit(() => (session.owner = "ada"));
      const [selector] = tokenIn(ada.cookie);
      store.fail("remove");
      await expect(endAll()).rejects.toThrow(StoreError);
      store.recover();
      clock.advance(60);
      await ada.visit(() => session.cart);
      expect(named("lost")).toEqual([{ selector, owner: "ada", reason: "revoked" }]);
      expect((await ada.visit(() => session.owner)).seen).toBeNull();
    });

    it.each<[string, () => unknown]>([
      ["a logout", () => session.destroy()],
      ["a request that only reads", () => session.cart],
    ])("are none for %s whose session another logout ends meanwhile", async (_, act) => {
      const strict = visitorOf({
        store,
        now: clock.now,
        storeOptions: { touchEvery: 60, lostWrites: "throw" },
      });
      strict.cookie = ada.cookie;
      clock.advance(60);
      const { cookies } = await strict.visit(async () => {
        act();
        await tab.visit(() => session.destroy());
      });
      expect([cookies, named("lost")]).toEqual([[], []]);
    });
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
