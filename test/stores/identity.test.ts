import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { currentContext } from "../../src/request/context.ts";
import {
  NotFreshError,
  requireFresh,
  selectorOf,
  session,
  SessionManager,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { testClock, type TestClock } from "../../src/testing/clock.ts";
import { Visitor } from "./visitor.ts";

let clock: TestClock;
let store: ReturnType<typeof memoryStore>;
const managers: SessionManager[] = [];

beforeEach(() => {
  clock = testClock();
  store = memoryStore({ now: clock.now });
});
afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

function managerOf(options: SessionOptions = {}): SessionManager {
  const manager = new SessionManager({
    secretKey: "identity",
    store,
    now: clock.now,
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  managers.push(manager);
  return manager;
}

/** The same browser in another tab, or somebody who has its cookie. */
function tabOf(visitor: Visitor, manager: SessionManager): Visitor {
  const tab = new Visitor(manager);
  tab.cookie = visitor.cookie;
  return tab;
}

describe("session.clear()", () => {
  it("with an owner is a logout: the session is over, its token dead, and it is not listed", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(() => ((session.owner = "ada"), (session.cart = ["tea"])));
    const thief = tabOf(ada, manager);
    await ada.visit(() => session.clear());
    expect(ada.cookie).toBe("");
    expect(await thief.data()).toEqual({});
    expect(await manager.list("ada")).toEqual([]);
  });

  it("begins an anonymous session with later writes", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    const before = ada.cookie;
    const { seen } = await ada.visit(() => (session.clear(), (session.notice = "bye"), session.owner));
    expect(seen).toBeNull();
    expect(ada.cookie.slice(0, 24)).not.toBe(before.slice(0, 24));
    expect((await ada.visit(() => [session.owner, session.notice])).seen).toEqual([null, "bye"]);
  });

  it("also in the request of the login itself", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(() => ((session.owner = "ada"), session.clear()));
    expect(await manager.list("ada")).toEqual([]);
  });
});

describe("session.owner", () => {
  it.each<[owner: unknown, described: string]>([
    [undefined, "undefined"],
    [false, "false"],
    [true, "true"],
    ["", "an empty string"],
    [Number.NaN, "NaN"],
    [1.5, "1.5"],
    [Infinity, "Infinity"],
    [{}, "of type object"],
    [[], "of type object"],
    [Promise.resolve("ada"), "of type object"],
    [new String("ada"), "of type object"],
    [Symbol("ada"), "of type symbol"],
    [() => "ada", "of type function"],
    [String(undefined), 'the string "undefined"'],
    [String(null), 'the string "null"'],
    [String(Number.NaN), 'the string "NaN"'],
    [String({}), 'the string "[object Object]"'],
    [String(Promise.resolve(1)), 'the string "[object Promise]"'],
  ])("refuses what is no id at the line that assigns it: %s", async (owner, described) => {
    const visitor = new Visitor(managerOf());
    const { seen } = await visitor.visit(() => {
      try {
        session.owner = owner as never;
      } catch (error) {
        return error as Error;
      }
      return undefined;
    });
    expect(seen).toMatchObject({
      code: "UNSERIALIZABLE",
      message: expect.stringContaining(`it was ${described}. Write session.owner = String(user.id)`),
    });
    expect(visitor.cookie).toBe("");
  });

  it.each(["a\0b", "\ud800", "é".repeat(128)])(
    "refuses what no store keeps at the same line",
    async (owner) => {
      const visitor = new Visitor(managerOf());
      const { seen } = await visitor.visit(() => {
        try {
          session.owner = owner;
        } catch (error) {
          return error as Error;
        }
        return undefined;
      });
      expect(seen).toMatchObject({
        code: "UNSERIALIZABLE",
        message: expect.stringContaining("1 to 255 bytes"),
      });
      expect(visitor.cookie).toBe("");
    },
  );

  it("takes whole numbers as the strings they are", async () => {
    const manager = managerOf();
    for (const owner of [42, 2n ** 70n]) {
      await new Visitor(manager).visit(() => (session.owner = owner as never));
      expect(await manager.list(String(owner))).toHaveLength(1);
    }
  });
});

describe("a logout", () => {
  it.each<[string, () => unknown]>([
    ["has another token by regenerate()", () => session.regenerate({ keep: true })],
    ["was rotated", () => clock.advance(60)],
  ])("ends the session of its request also where that %s meanwhile", async (_, change) => {
    const manager = managerOf({ storeOptions: { rotateAfter: 60 } });
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    const other = tabOf(ada, manager);
    await ada.visit(async () => {
      session.destroy();
      await other.visit(change);
      await other.visit(() => session.owner);
    });
    expect((await other.visit(() => session.owner)).seen).toBeNull();
    expect(await manager.list("ada")).toEqual([]);
  });

  it("does not end the session of a later login, not even of the same person", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    const other = tabOf(ada, manager);
    await ada.visit(async () => {
      session.destroy();
      clock.advance(1);
      await other.visit(() => (session.owner = "ada"));
    });
    expect((await other.visit(() => session.owner)).seen).toBe("ada");
  });
});

describe("a login", () => {
  it("works after the destroyAll that its own request has waited for", async () => {
    const manager = managerOf();
    const [phone, laptop] = [new Visitor(manager), new Visitor(manager)];
    await phone.visit(() => ((session.owner = "ada"), (session.old = 1)));
    await laptop.visit(() => (session.owner = "ada"));
    // A reset of the password, by a stranger and by the owner, who is logged out by it as well.
    for (const visitor of [new Visitor(manager), phone]) {
      const { seen } = await visitor.visit(async () => {
        clock.advance(5);
        const ended = await manager.destroyAll("ada");
        clock.advance(5);
        session.owner = "ada";
        return ended;
      });
      expect(seen).toBeGreaterThan(0);
      expect(await visitor.data()).toEqual({});
      expect((await visitor.visit(() => session.owner)).seen).toBe("ada");
      expect((await visitor.visit(() => requireFresh(60))).seen).toBeUndefined();
      expect(await manager.list("ada")).toHaveLength(1);
    }
    expect((await laptop.visit(() => session.owner)).seen).toBeNull();
  });

  it.each<[string, () => unknown]>([
    ["a new session", () => {}],
    ["a session that was there", () => (session.cart = [])],
    ["the session of another person", () => (session.owner = "eve")],
  ])("fails loudly where all sessions were ended while it was under way: in %s", async (_, before) => {
    const manager = managerOf({ storeOptions: { lostWrites: "drop" } });
    const ada = new Visitor(manager);
    await ada.visit(before);
    const { cookie } = ada;
    let resolve = () => {};
    const promise = new Promise<void>((done) => (resolve = done));
    const login = ada.visit(async () => {
      await promise;
      session.owner = "ada";
    });
    clock.advance(1);
    await managerOf().destroyAll("ada");
    clock.advance(1);
    resolve();
    await expect(login).rejects.toMatchObject({ code: "SESSION_LOST", status: 409 });
    expect(ada.cookie).toBe(cookie);
    expect(await manager.list("ada")).toEqual([]);
  });

  it("keeps what a regenerate() before it in the same request kept", async () => {
    const ada = new Visitor(managerOf({ storeOptions: { keepAtLogin: [] } }));
    await ada.visit(() => session.update({ cart: ["tea"], planted: 1 }));
    await ada.visit(() => {
      session.regenerate({ keep: ["cart"] });
      session.owner = "ada";
    });
    expect(await ada.data()).toEqual({ cart: ["tea"] });
  });

  it("is undone by a reload before it is saved", async () => {
    const ada = new Visitor(managerOf());
    await ada.visit(() => (session.owner = "ada"));
    clock.advance(100);
    await ada.visit(async () => {
      session.owner = "ada";
      await currentContext().reload();
      expect(() => requireFresh(60)).toThrow(NotFreshError);
    });
    await expect(ada.visit(() => requireFresh(60))).rejects.toThrow(NotFreshError);
  });

  it("gets another token where its request began a session that was ended", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    const { seen } = await ada.visit(async () => {
      session.cart = ["tea"];
      await currentContext().commit();
      session.owner = "ada";
      const ended = selectorOf(session)!;
      await manager.destroy(ended);
      return ended;
    });
    expect((await ada.visit(() => session.owner)).seen).toBe("ada");
    expect(ada.cookie).not.toContain(seen);
  });

  it("wins over periodic rotations beside it, however many there were", async () => {
    const manager = managerOf({ storeOptions: { rotateAfter: 10, rotationGrace: 5 } });
    for (const rotations of [1, 2, 5]) {
      const ada = new Visitor(manager);
      await ada.visit(() => (session.cart = ["tea"]));
      const other = tabOf(ada, manager);
      await ada.visit(async () => {
        for (let n = 0; n < rotations; n++) {
          clock.advance(11);
          await other.visit(() => session.cart);
        }
        session.owner = "ada";
      });
      expect((await ada.visit(() => [session.owner, session.cart])).seen).toEqual(["ada", ["tea"]]);
      expect(await other.data()).toEqual({});
    }
  });

  it("fails loudly where another login was faster, and so does regenerate", async () => {
    const manager = managerOf({ storeOptions: { lostWrites: "drop" } });
    for (const act of [() => (session.owner = "ada"), () => session.regenerate()]) {
      const ada = new Visitor(manager);
      await ada.visit(() => (session.cart = ["tea"]));
      const other = tabOf(ada, manager);
      const late = ada.visit(async () => {
        act();
        await other.visit(() => (session.owner = "ada"));
      });
      await expect(late).rejects.toMatchObject({ code: "SESSION_LOST" });
      expect((await other.visit(() => session.owner)).seen).toBe("ada");
    }
  });
});

describe("a token that was planted before a login", () => {
  it.each([0, 1, 3])(
    "ends nothing after it, with reusedTokens: destroy and %i rotations before",
    async (rotations) => {
      const manager = managerOf({
        storeOptions: { rotateAfter: 10, rotationGrace: 5, reusedTokens: "destroy" },
      });
      const victim = new Visitor(manager);
      await victim.visit(() => (session.cart = []));
      const planter = tabOf(victim, manager);
      for (let n = 0; n < rotations; n++) {
        clock.advance(11);
        await victim.visit(() => session.cart);
      }
      await victim.visit(() => (session.owner = "ada"));
      for (const act of [() => session.owner, () => session.destroy(), () => session.clear()]) {
        await tabOf(planter, manager).visit(act);
      }
      expect((await victim.visit(() => session.owner)).seen).toBe("ada");
      clock.advance(11);
      await victim.visit(() => session.owner);
      await planter.visit(() => session.owner);
      expect((await victim.visit(() => session.owner)).seen).toBe("ada");
    },
  );

  it("ends nothing by a logout that was opened before the login and saved after it", async () => {
    const manager = managerOf();
    const victim = new Visitor(manager);
    await victim.visit(() => (session.cart = []));
    const planter = tabOf(victim, manager);
    const { cookies } = await planter.visit(async () => {
      session.destroy();
      await victim.visit(() => (session.owner = "ada"));
    });
    expect(cookies).toEqual([]);
    expect((await victim.visit(() => session.owner)).seen).toBe("ada");
  });
});

describe("a stolen token", () => {
  it.each([1, 2, 5, 20])("is known after %i rotations", async (rotations) => {
    const manager = managerOf({
      storeOptions: { rotateAfter: 10, rotationGrace: 5, reusedTokens: "destroy" },
    });
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    const thief = tabOf(ada, manager);
    for (let n = 0; n < rotations; n++) {
      clock.advance(11);
      await ada.visit(() => session.owner);
    }
    clock.advance(6);
    expect((await thief.visit(() => session.owner)).seen).toBeNull();
    expect((await ada.visit(() => session.owner)).seen).toBeNull();
  });
});

describe("what depends on the cookie", () => {
  it.each<[string, () => unknown]>([
    ["isNew", () => session.isNew],
    ["owner", () => session.owner],
    ["size", () => session.size],
    ["permanent", () => session.permanent],
    ["modified", () => session.modified],
    ["a string of it", () => `${session}`],
    ["its selector", () => selectorOf(session)],
    ["the age of the login", () => expect(() => requireFresh(1)).toThrow(NotFreshError)],
    ["in", () => "a" in session],
    ["JSON", () => JSON.stringify(session)],
  ])("has Vary: %s", async (_, view) => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(() => (session.a = 1));
    expect((await ada.visit(view)).vary).toBe("Cookie");
    expect((await new Visitor(manager).visit(view)).vary).toBe("Cookie");
  });

  it("is not set without an access, even if activity is recorded", async () => {
    const manager = managerOf({ storeOptions: { touchEvery: 10 } });
    const ada = new Visitor(manager);
    await ada.visit(() => (session.a = 1));
    const seenAt: unknown[] = [];
    for (let n = 0; n < 3; n++) {
      clock.advance(11);
      expect(await ada.visit(() => undefined)).toMatchObject({ vary: null, cookies: [] });
      seenAt.push((await store.read(ada.cookie.slice(8, 24)))!.commit);
    }
    expect(new Set(seenAt).size).toBe(3);
  });
});

describe("refreshEachRequest", () => {
  it.each([true, false])("of %s means the same with a store", async (refreshEachRequest) => {
    const manager = managerOf({ refreshEachRequest, storeOptions: { touchEvery: 10 } });
    const ada = new Visitor(manager);
    await ada.visit(() => ((session.permanent = true), (session.a = 1)));
    clock.advance(11);
    expect((await ada.visit(() => session.a)).cookies).toHaveLength(refreshEachRequest ? 1 : 0);
    expect((await ada.visit(() => (session.a = 2))).cookies).toHaveLength(1);
  });
});

describe("anonymousTimeout", () => {
  it("ends only anonymous sessions early", async () => {
    const manager = managerOf({ storeOptions: { anonymousTimeout: 3600, idleTimeout: 86_400 } });
    const [stranger, kept, ada] = [new Visitor(manager), new Visitor(manager), new Visitor(manager)];
    await stranger.visit(() => (session.a = 1));
    await kept.visit(() => ((session.permanent = true), (session.a = 1)));
    await ada.visit(() => ((session.owner = "ada"), (session.a = 1)));
    clock.advance(3601);
    expect(await stranger.data()).toEqual({});
    expect(await kept.data()).toEqual({ _permanent: true, a: 1 });
    expect(await ada.data()).toEqual({ a: 1 });
  });

  it("ends with a login, in the same record", async () => {
    const manager = managerOf({ storeOptions: { anonymousTimeout: 3600, idleTimeout: 86_400 } });
    const ada = new Visitor(manager);
    await ada.visit(() => (session.a = 1));
    await ada.visit(() => (session.owner = "ada"));
    clock.advance(7200);
    expect(await ada.data()).toEqual({ a: 1 });
  });

  it("does not change when messages are shown: short for anonymous sessions, and not for permanent ones", async () => {
    const manager = managerOf({ storeOptions: { idleTimeout: 3600, anonymousTimeout: 60 } });
    for (const permanent of [true, false]) {
      const ada = new Visitor(manager);
      await ada.visit(() => {
        session.flash("saved");
        session.permanent = permanent;
        session.cart = [];
      });
      // A request that takes the message and is cut off before it is saved.
      await manager.requestContext({ headers: new Headers({ Cookie: ada.cookie }) }).opening;
      clock.advance(61);
      expect([permanent, (await ada.visit(() => session.has("cart"))).seen]).toEqual([permanent, permanent]);
    }
  });

  it("is a day by default, and never longer than idleTimeout", async () => {
    for (const [options, lived] of [
      [{}, 86_400],
      [{ storeOptions: { idleTimeout: 60 } }, 60],
    ] as const) {
      const ada = new Visitor(managerOf(options));
      await ada.visit(() => (session.a = 1));
      clock.advance(lived - 1);
      const other = tabOf(ada, managerOf({ ...options, storeOptions: { touchEvery: 1e6 } }));
      expect(await other.data()).toEqual({ a: 1 });
      clock.advance(2);
      expect(await other.data()).toEqual({});
    }
  });
});

describe("a destroyAll whose removals failed", () => {
  it("ends a session at its next touch", async () => {
    const manager = managerOf({ storeOptions: { touchEvery: 10 } });
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    const stuck = Object.assign(memoryStore(), { remove: () => Promise.reject(new Error("no")) });
    const broken = new Proxy(store, {
      get: (target, name) => {
        if (name === "remove") return stuck.remove;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    clock.advance(1);
    await expect(managerOf({ store: broken }).destroyAll("ada")).rejects.toMatchObject({ code: "STORE" });
    clock.advance(11);
    await ada.visit(() => session.owner);
    expect((await ada.visit(() => session.owner)).seen).toBeNull();
  });
});

describe("a commit in between", () => {
  it("keeps the login it made, with the same token", async () => {
    const manager = managerOf();
    const ada = new Visitor(manager);
    await ada.visit(async () => {
      session.owner = "ada";
      await currentContext().commit();
      session.a = 1;
    });
    expect((await ada.visit(() => [session.owner, session.a])).seen).toEqual(["ada", 1]);
  });
});
