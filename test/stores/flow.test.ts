import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ConfigError,
  selectorOf,
  session,
  SessionLostError,
  SessionManager,
  tuple,
  UnserializableError,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { watched } from "./recorded.ts";
import { recordsIn, storedSession, tokenIn } from "./stored.ts";
import { Visitor, visitorOf } from "./visitor.ts";

let time: number;
const now = () => time;
let store: Store;
let calls: string[];

beforeEach(() => {
  time = Date.UTC(2026, 0, 1);
  calls = [];
  store = watched(memoryStore({ now }), (step) => void calls.push(step));
});

const someone = (options = {}) => visitorOf({ store, now, ...options });

describe("a stored session", () => {
  it("costs a visitor without one nothing: no call of the store, no cookie", async () => {
    const { cookies, vary } = await someone().visit(() => [
      session.a,
      session.size,
      session.getFlashedMessages(),
    ]);
    expect([cookies, vary, calls]).toEqual([[], "Cookie", []]);
  });

  it("keeps data under a token that the store does not know", async () => {
    const ada = someone();
    const { cookies } = await ada.visit(() => session.update({ username: "ada", price: 1.5 }));
    expect(cookies).toEqual([expect.stringMatching(/^session=[\w-]{16}\.[\w-]{43}; HttpOnly; Path=\/$/)]);
    expect(await ada.data()).toEqual({ username: "ada", price: 1.5 });
    const [selector, verifier] = ada.cookie.slice("session=".length).split(".");
    expect((await store.read(selector!))!.text).not.toContain(verifier);
  });

  it("leaves no trace on a response whose request did not look at it (SEC-30)", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    expect(await ada.visit(() => {})).toEqual({ seen: undefined, cookies: [], vary: null });
  });

  it("reads once per request and writes nothing when nothing changed (SEC-30)", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = { deep: [1] }));
    calls = [];
    for (let round = 0; round < 100; round++) {
      expect((await ada.visit(() => session.a.deep.length)).cookies).toEqual([]);
    }
    expect(new Set(calls)).toEqual(new Set(["read"]));
    expect(calls).toHaveLength(100);
  });

  it("writes only what changed, with one operation and no new cookie", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1, list: [1], gone: true }));
    calls = [];
    const { cookies } = await ada.visit(() => {
      session.list.push(2);
      delete session.gone;
    });
    expect([cookies, calls]).toEqual([[], ["read", "replace"]]);
    expect(await ada.data()).toEqual({ a: 1, list: [1, 2] });
  });

  it("costs the same with an owner, and one read more at most once per touchEvery", async () => {
    const ada = someone({ storeOptions: { touchEvery: 60 } });
    await ada.visit(() => (session.owner = "ada"));
    for (const [seconds, expected] of [
      [59, ["read", "replace"]],
      [60, ["read", "read", "replace"]],
    ] as const) {
      time += seconds * 1000;
      calls = [];
      await ada.visit(() => (session.b = seconds));
      expect(calls).toEqual(expected);
    }
  });

  it("that begins with a message shown by the same request does not keep it", async () => {
    const ada = someone();
    await ada.visit(() => {
      session.flash("hello");
      session.a = 1;
      return session.getFlashedMessages();
    });
    const [selector] = tokenIn(ada.cookie);
    expect([...(await storedSession(store, selector))!.fields.keys()]).toEqual(["a"]);
  });

  it("ends at logout: record and cookie are gone, and what was written after it begins a new one", async () => {
    const ada = someone();
    await ada.visit(() => (session.username = "ada"));
    const old = ada.cookie;
    const { cookies } = await ada.visit(() => session.destroy());
    expect(cookies).toEqual(["session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"]);
    expect((await ada.visit(() => session.size, { cookie: old })).seen).toBe(0);
    await ada.visit(() => (session.username = "ada"));
    const before = ada.cookie;
    await ada.visit(() => (session.destroy(), session.flash("bye")));
    expect(ada.cookie.split(".")[0]).not.toBe(before.split(".")[0]);
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["bye"]);
  });

  it("ends when it is emptied, and is never stored empty", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const { cookies } = await ada.visit(() => session.clear());
    expect(cookies[0]).toContain("Max-Age=0");
    await ada.visit(() => (session.permanent = true));
    expect(calls.filter((verb) => verb === "insert")).toHaveLength(1);
  });

  it("stays when its last key is taken out, for others may have put one in meanwhile", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const { cookie } = ada;
    const { cookies } = await ada.visit(async () => {
      delete session.a;
      await someone().visit(() => (session.b = 2), { cookie });
    });
    expect(cookies).toEqual([]);
    expect(await ada.data()).toEqual({ b: 2 });
    await ada.visit(() => session.flash("one"));
    await ada.visit(() => session.pop("b"));
    await ada.visit(async () => {
      expect(session.getFlashedMessages()).toEqual(["one"]);
      await someone().visit(() => (session.c = 3), { cookie });
    });
    expect(await ada.data()).toEqual({ c: 3 });
  });

  it("never adopts a token: unknown, malformed, or forged from a dump of the store", async () => {
    const mallory = someone();
    const planted = `session=${"A".repeat(16)}.${"A".repeat(43)}`;
    await mallory.visit(() => (session.a = 1), { cookie: planted });
    expect(mallory.cookie.split(".")[0]).not.toBe(planted.split(".")[0]);
    const [selector] = mallory.cookie.slice("session=".length).split(".");
    const hash = (await storedSession(store, selector!))!.verifierHash;
    expect((await mallory.visit(() => session.size, { cookie: `session=${selector}.${hash}` })).seen).toBe(0);
    calls = [];
    for (const text of [
      "",
      "x",
      ".",
      "a.b",
      `${"A".repeat(16)}.${"A".repeat(44)}`,
      "x".repeat(1_000_000),
      '"',
      "%00",
      "\u00e9",
    ]) {
      expect((await mallory.visit(() => session.size, { cookie: `session=${text}` })).seen).toBe(0);
    }
    expect(calls).toEqual([]);
  });

  it("takes a good token among bad ones, and none where two sessions come in", async () => {
    const [ada, bob] = [someone(), someone()];
    await ada.visit(() => (session.name = "ada"));
    await bob.visit(() => (session.name = "bob"));
    const evil = "session=evil";
    for (const cookie of [
      `${evil}; ${ada.cookie}`,
      `${ada.cookie}; ${evil}`,
      `${ada.cookie}; ${ada.cookie}`,
    ]) {
      expect((await someone().visit(() => session.name, { cookie })).seen).toBe("ada");
    }
    const both = await someone().visit(() => (session.name ??= "new"), {
      cookie: `${ada.cookie}; ${bob.cookie}`,
    });
    expect(both).toMatchObject({ seen: "new", cookies: [expect.stringMatching(/^session=/)] });
    expect([await ada.data(), await bob.data()]).toEqual([{}, {}]);
  });

  it("is ended by a logout of a request that brings two, and by none that only reads", async () => {
    const [ada, bob] = [someone(), someone()];
    await ada.visit(() => (session.name = "ada"));
    await bob.visit(() => (session.name = "bob"));
    const { seen, cookies } = await someone().visit(() => session.name, {
      cookie: `${ada.cookie}; ${bob.cookie}`,
    });
    expect([seen, cookies]).toEqual([undefined, []]);
    expect([await ada.data(), await bob.data()]).toEqual([{ name: "ada" }, { name: "bob" }]);
    const logout = await someone().visit(() => session.destroy(), { cookie: `${ada.cookie}; ${bob.cookie}` });
    expect(logout.cookies).toEqual([expect.stringContaining("Max-Age=0")]);
    expect([await ada.data(), await bob.data()]).toEqual([{}, {}]);
  });

  it("carries every value a cookie can carry", async () => {
    const ada = someone();
    await ada.visit(() =>
      session.update({ bytes: new Uint8Array([255]), when: new Date(0), big: 2n ** 70n, __proto__x: 1 }),
    );
    expect(await ada.data()).toEqual({
      bytes: new Uint8Array([255]),
      when: new Date(0),
      big: 2n ** 70n,
      __proto__x: 1,
    });
  });

  it("refuses more keys than it reads again, in one value and in all together", async () => {
    const ada = someone();
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0]));
    await ada.visit(() => (session.a = keys(6000)));
    for (const b of [keys(6000), Array.from({ length: 10_001 }, () => tuple())])
      await expect(ada.visit(() => session.set("b", b))).rejects.toThrow(UnserializableError);
    await ada.visit(() => (session.b = keys(3998)));
    expect(await ada.data()).toEqual({ a: keys(6000), b: keys(3998) });
  });

  it("sends the cookie of a permanent session again only with a due touch", async () => {
    const ada = someone();
    const { cookies } = await ada.visit(() => (session.permanent = session.a = true));
    expect(cookies[0]).toContain("Expires=");
    expect((await ada.visit(() => session.a)).cookies).toEqual([]);
    time += 301_000;
    expect((await ada.visit(() => session.a)).cookies[0]).toContain("Expires=Sun, 01 Feb 2026 00:05:01 GMT");
    expect((await ada.visit(() => (session.permanent = false))).cookies[0]).not.toContain("Expires=");
  });
});

describe("its lifetime", () => {
  it("ends after idleTimeout without a request, by the store's clock", async () => {
    const ada = someone({ storeOptions: { idleTimeout: 100 } });
    await ada.visit(() => (session.a = 1));
    time += 99_000;
    expect(await ada.data()).toEqual({ a: 1 });
    time += 99_000;
    expect(await ada.data()).toEqual({ a: 1 });
    time += 100_000;
    expect(await ada.data()).toEqual({});
  });

  it("ends at absoluteTimeout however busy, and a login starts that anew", async () => {
    const ada = someone({ storeOptions: { idleTimeout: 100, absoluteTimeout: 200 } });
    await ada.visit(() => (session.a = 1));
    for (let minute = 0; minute < 3; minute++) {
      time += 60_000;
      expect(await ada.data()).toEqual({ a: 1 });
    }
    await ada.visit(() => (session.owner = "ada"));
    time += 60_000;
    expect(await ada.data()).toEqual({ a: 1 });
    for (let minute = 0; minute < 3; minute++) {
      time += 60_000;
      await ada.data();
    }
    expect(await ada.data()).toEqual({});
  });

  it("notes activity at most once per touchEvery", async () => {
    const ada = someone({ storeOptions: { idleTimeout: 1000, touchEvery: 100 } });
    await ada.visit(() => (session.a = 1));
    calls = [];
    for (let second = 0; second < 99; second++) {
      time += 1000;
      await ada.visit(() => session.a);
    }
    expect(calls).not.toContain("replace");
    time += 1000;
    await ada.visit(() => session.a);
    await ada.visit(() => session.a);
    expect(calls.filter((verb) => verb === "replace")).toHaveLength(1);
  });
});

describe("its token", () => {
  it("is replaced at regenerate, and the old one is dead at once", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ cart: [1], role: "admin" }));
    const planted = ada.cookie;
    await ada.visit(() => {
      session.regenerate({ keep: ["cart"] });
      session.username = "ada";
    });
    expect(ada.cookie).not.toBe(planted);
    expect(await ada.data()).toEqual({ cart: [1], username: "ada" });
    expect((await someone().visit(() => session.size, { cookie: planted })).seen).toBe(0);
  });

  it("is rotated after rotateAfter; requests with the old one get the same new one within the grace period", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30 } });
    await ada.visit(() => (session.a = 1));
    const old = ada.cookie;
    time += 60_000;
    await ada.visit(() => session.a);
    const fresh = ada.cookie;
    expect(fresh).not.toBe(old);
    ada.cookie = "";
    expect((await ada.visit(() => session.a, { cookie: old })).seen).toBe(1);
    expect(ada.cookie).toBe(fresh);
    await ada.visit(() => (session.b = 2), { cookie: old });
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
  });

  it("is refused and reported after the grace period, and may end the session", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    subscribe("hipflask:reused", listen);
    try {
      const ada = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30, reusedTokens: "destroy" } });
      await ada.visit(() => (session.a = 1));
      const old = ada.cookie;
      time += 60_000;
      await ada.visit(() => session.a);
      time += 30_000;
      const fresh = ada.cookie;
      expect(await ada.visit(() => session.size, { cookie: old })).toMatchObject({ seen: 0, cookies: [] });
      expect(told).toHaveLength(1);
      expect((await ada.visit(() => session.size, { cookie: fresh })).seen).toBe(0);
    } finally {
      unsubscribe("hipflask:reused", listen);
    }
  });

  it("is rotated once by requests that run at the same time, and a write among them sends the new one", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30 } });
    await ada.visit(() => (session.a = 1));
    for (const act of [() => session.a, () => (session.b = 2)]) {
      const tab = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30 } });
      tab.cookie = ada.cookie;
      await ada.visit(async () => {
        act();
        time += 60_000;
        await tab.visit(() => session.a);
      });
      expect(ada.cookie).toBe(tab.cookie);
    }
  });

  it("holds through the grace where another process has rotated it with another secret", async () => {
    const storeOptions = { rotateAfter: 60, rotationGrace: 30 };
    const [ada, next] = [someone({ storeOptions }), someone({ secretKey: "the next one", storeOptions })];
    await ada.visit(() => (session.a = 1));
    time += 60_000;
    await next.visit(() => session.a, { cookie: ada.cookie });
    await ada.visit(() => (session.b = 2));
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
    time += 30_000;
    expect(await ada.data()).toEqual({});
  });

  it("opens its successor's session if a browser sends several, and is not theft", async () => {
    const storeOptions = { rotateAfter: 60, rotationGrace: 30, reusedTokens: "destroy" } as const;
    const [ada, bob] = [someone({ storeOptions }), someone({ storeOptions })];
    await ada.visit(() => (session.name = "ada"));
    const tokens = [ada.cookie];
    for (let rotation = 0; rotation < 2; rotation++) {
      time += 60_000;
      await ada.visit(() => session.name);
      tokens.push(ada.cookie);
    }
    const [replaced, previous, current] = tokens;
    for (const cookie of [
      `${previous}; ${current}`,
      `${replaced}; ${current}`,
      `${replaced}; ${previous}`,
      `${current}x; ${current}`,
      `${current}; session=${current!.slice(8, 24)}.${"A".repeat(43)}`,
    ])
      expect((await ada.visit(() => session.name, { cookie })).seen).toBe("ada");
    // Beside a token of another session, it is one.
    await bob.visit(() => (session.name = "bob"));
    const { seen } = await bob.visit(() => session.name, { cookie: `${replaced}; ${bob.cookie}` });
    expect(seen).toBe("bob");
    expect((await ada.visit(() => session.name, { cookie: current! })).seen).toBeUndefined();
  });

  it("cannot be rotated without a secret", () => {
    expect(() => new SessionManager({ store, storeOptions: { rotateAfter: 60 } })).toThrow(ConfigError);
  });
});

describe("a request that fails", () => {
  it("saves no data with a 5xx, but ends and renews what was to be ended and renewed", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1 }));
    await ada.visit(() => (session.a = 2), { status: 500 });
    expect(await ada.data()).toEqual({ a: 1 });
    const before = ada.cookie;
    await ada.visit(() => (session.regenerate(), (session.a = 3)), { status: 503 });
    expect(ada.cookie).not.toBe(before);
    expect(await ada.data()).toEqual({ a: 1 });
    const { cookies } = await ada.visit(() => session.destroy(), { status: 500 });
    expect(cookies[0]).toContain("Max-Age=0");
    expect(await ada.data()).toEqual({});
  });

  it("does not log in with a 5xx, since the other changes are discarded", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1 }));
    const secondFactor = () => ((session.owner = "ada"), (session.isPending = true));
    await ada.visit(secondFactor, { status: 500 });
    expect((await ada.visit(() => [session.owner, session.a])).seen).toEqual([null, 1]);
  });

  it("saves data and logins with a 5xx where saveOnError says so", async () => {
    const ada = someone({ storeOptions: { saveOnError: true } });
    await ada.visit(() => ((session.a = 1), (session.owner = "ada")), { status: 500 });
    expect((await ada.visit(() => [session.owner, session.a])).seen).toEqual(["ada", 1]);
  });
});

describe("a change to a session that ended meanwhile", () => {
  const endedMeanwhile = async (options: object) => {
    const ada = someone(options);
    await ada.visit(() => (session.a = 1));
    const { cookie } = ada;
    return ada.visit(async () => {
      session.b = 2;
      await new Visitor(new SessionManager({ store, now })).visit(() => session.destroy(), { cookie });
    });
  };

  it("is dropped and reported, and no cookie is sent", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    subscribe("hipflask:lost", listen);
    const { cookies } = await endedMeanwhile({});
    unsubscribe("hipflask:lost", listen);
    expect(cookies).toEqual([]);
    expect(told).toEqual([{ selector: expect.any(String) as string, owner: null, reason: "gone" }]);
  });

  it("throws where lostWrites says so (SEC-15)", async () => {
    await expect(endedMeanwhile({ storeOptions: { lostWrites: "throw" } })).rejects.toThrow(SessionLostError);
  });
});

describe("flashed messages", () => {
  it("are shown once, also by parallel requests, and kept until then", async () => {
    const ada = someone();
    await ada.visit(() => (session.flash("one"), session.flash("two", "warning")));
    await ada.visit(() => session.a);
    await ada.visit(() => session.flash("three"));
    const shown = await Promise.all(
      Array.from({ length: 8 }, () => ada.visit(() => session.getFlashedMessages())),
    );
    expect(shown.flatMap(({ seen }) => seen)).toEqual(["one", "two", "three"]);
    expect(await ada.data()).toEqual({});
  });

  it("are saved beside other changes of the same request", async () => {
    const ada = someone();
    await ada.visit(() => (session.update({ kept: 1, gone: 1 }), session.flash("one")));
    await ada.visit(() => {
      session.update({ kept: 2, added: 3 });
      delete session.gone;
      session.flash("two");
    });
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["one", "two"]);
    expect(await ada.data()).toEqual({ kept: 2, added: 3 });
    await ada.visit(() => session.flash("three"));
    await ada.visit(() => (session.getFlashedMessages(), (session.added = 4), delete session.kept));
    expect([await ada.data(), (await ada.visit(() => session.getFlashedMessages())).seen]).toEqual([
      { added: 4 },
      [],
    ]);
  });

  it("come back when the page that took them failed", async () => {
    const ada = someone();
    await ada.visit(() => session.flash("one"));
    await ada.visit(() => session.getFlashedMessages(), { status: 500 });
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["one"]);
  });
});

describe("SessionManager", () => {
  it("refuses a device that is a promise, which would be stored as nothing", async () => {
    const ada = someone({ storeOptions: { device: async () => "Firefox" } });
    await expect(ada.visit(() => (session.owner = "ada"))).rejects.toThrow(ConfigError);
    expect(ada.cookie).toBe("");
  });

  it("lists and ends the sessions of an owner", async () => {
    const manager = new SessionManager({
      secretKey: "s",
      store,
      now,
      storeOptions: { device: () => ({ browser: "Lynx" }) },
    });
    const [phone, laptop, other] = [new Visitor(manager), new Visitor(manager), new Visitor(manager)];
    for (const visitor of [phone, laptop]) await visitor.visit(() => (session.owner = "ada"));
    await other.visit(() => (session.owner = "bob"));
    const { seen: list } = await phone.visit(() => manager.list("ada", { current: session }));
    expect(list.map(({ device, isCurrent }) => [device, isCurrent])).toEqual(
      expect.arrayContaining([
        [{ browser: "Lynx" }, true],
        [{ browser: "Lynx" }, false],
      ]),
    );
    expect((await phone.visit(() => manager.destroyAll("ada", { except: session }))).seen).toBe(1);
    expect((await phone.visit(() => session.owner)).seen).toBe("ada");
    expect((await laptop.visit(() => session.owner)).seen).toBeNull();
    expect((await other.visit(() => session.owner)).seen).toBe("bob");
    expect(await manager.destroy((await phone.visit(() => selectorOf(session))).seen!)).toBe(true);
    expect((await phone.visit(() => session.owner)).seen).toBeNull();
    expect(await manager.destroy("unknown")).toBe(false);
  });

  it("passes no data from one owner to the next, and an anonymous cart to its owner", async () => {
    const ada = someone();
    await ada.visit(() => (session.cart = [1]));
    await ada.visit(() => ((session.owner = "ada"), (session.secret = "ada's")));
    expect(await ada.data()).toEqual({ cart: [1], secret: "ada's" });
    const selector = ada.cookie.split(".")[0];
    await ada.visit(() => ((session.owner = "bob"), (session.mine = "bob's")));
    expect(await ada.data()).toEqual({ mine: "bob's" });
    expect(ada.cookie.split(".")[0]).not.toBe(selector);
  });

  it("keeps to maxPerOwner, ending the oldest or refusing the newest", async () => {
    const options = { secretKey: "s", store, now, storeOptions: { maxPerOwner: 2 } };
    const manager = new SessionManager(options);
    await Promise.all(
      Array.from({ length: 10 }, () => new Visitor(manager).visit(() => (session.owner = "ada"))),
    );
    expect(await manager.list("ada")).toHaveLength(2);
    const strict = new Visitor(
      new SessionManager({ ...options, storeOptions: { maxPerOwner: 2, ownerOverflow: "refuse" } }),
    );
    await expect(strict.visit(() => (session.owner = "ada"))).rejects.toMatchObject({
      code: "OWNER_LIMIT",
      status: 409,
    });
    expect(strict.cookie).toBe("");
  });

  it("lets a login lose that was under way while everything was ended", async () => {
    const manager = new SessionManager({ secretKey: "s", store, now });
    const ada = new Visitor(manager);
    const login = ada.visit(async () => {
      time += 1000;
      await recordsIn(store).destroyAll("ada", undefined);
      time += 1000;
      session.owner = "ada";
    });
    await expect(login).rejects.toThrow(SessionLostError);
    expect(ada.cookie).toBe("");
    expect(await manager.list("ada")).toEqual([]);
  });

  it("tells on every process when a session is over", async () => {
    const [here, there] = [
      new SessionManager({ secretKey: "s", store, now }),
      new SessionManager({ secretKey: "s", store, now }),
    ];
    const ada = new Visitor(here);
    await ada.visit(() => (session.owner = "ada"));
    const over = new Promise<void>((resolve) => {
      void new Visitor(there).visit(() => there.onDestroyed(session, resolve), { cookie: ada.cookie });
    });
    await ada.visit(() => session.a);
    await here.destroyAll("ada");
    await expect(over).resolves.toBeUndefined();
    await Promise.all([here.close(), there.close()]);
  });

  it("keeps owners to stores, and to stores that can", async () => {
    const cookies = visitorOf({});
    await expect(cookies.visit(() => (session.owner = "ada"))).rejects.toThrow(ConfigError);
    await expect(new SessionManager({ secretKey: "s" }).list("ada")).rejects.toThrow(ConfigError);
    const loose = memoryStore({ now });
    const nonAtomic = new Proxy(loose, {
      get: (target, name) => {
        if (name === "atomic") return false;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    await expect(visitorOf({ store: nonAtomic, now }).visit(() => (session.owner = "ada"))).rejects.toThrow(
      ConfigError,
    );
    await visitorOf({ store: nonAtomic, now, storeOptions: { allowNonAtomicStore: true } }).visit(
      () => (session.owner = "ada"),
    );
  });
});

afterEach(() => store.close?.());
