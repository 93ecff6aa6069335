import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { currentContext } from "../../src/request/context.ts";
import {
  NotFreshError,
  requireFresh,
  selectorOf,
  session,
  SessionLostError,
  SessionManager,
  type SessionOptions,
  stateOf,
  StoreError,
} from "../../src/index.ts";
import type { StoreSessionState } from "../../src/interfaces/store/state.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { formatToken } from "../../src/stores/parts/token.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { watched } from "./recorded.ts";
import { tokenIn } from "./stored.ts";
import { Visitor } from "./visitor.ts";

let time: number;
let calls: string[];
let failures: number;
/** What the next call of the store waits for. */
let gate: Promise<void> | undefined;
let store: Store;
const managers: SessionManager[] = [];
const now = () => time;
const commit = () => currentContext().commit();
const reload = () => currentContext().reload();

beforeEach(() => {
  time = Date.UTC(2026, 0, 1);
  [calls, failures, gate] = [[], 0, undefined];
  store = watched(memoryStore({ now }), async (step) => {
    calls.push(step);
    await gate;
    if (failures-- > 0) throw new StoreError("unavailable", "The store is down on purpose.");
  });
});

afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

function someone(options: SessionOptions = {}): Visitor {
  const manager = new SessionManager({
    secretKey: "commit",
    store,
    now,
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  managers.push(manager);
  return new Visitor(manager);
}

/** The same browser in another tab. */
function tabOf(visitor: Visitor, options: SessionOptions = {}): Visitor {
  const tab = someone(options);
  tab.cookie = visitor.cookie;
  return tab;
}

describe("RequestContext.commit", () => {
  it("makes a new session durable at once, and sends its cookie with the response", async () => {
    const ada = someone();
    const { cookies } = await ada.visit(async () => {
      session.username = "ada";
      await commit();
      expect(await store.read(selectorOf(session)!)).toBeDefined();
    });
    expect(cookies).toHaveLength(1);
    expect(await ada.data()).toEqual({ username: "ada" });
  });

  it("writes once, however often it is called, and afterwards only what changed since", async () => {
    const ada = someone();
    await ada.visit(async () => {
      session.a = 1;
      await commit();
      await commit();
    });
    expect(calls).toEqual(["insert"]);
    calls = [];
    await ada.visit(async () => {
      session.list = [1];
      await commit();
      session.list.push(2);
      session.b = 2;
    });
    expect(calls).toEqual(["read", "replace", "replace"]);
    expect(await ada.data()).toEqual({ a: 1, list: [1, 2], b: 2 });
  });

  it("does not take back what others wrote between the commit and the end", async () => {
    const ada = someone();
    await ada.visit(() => (session.start = 1));
    await ada.visit(async () => {
      session.regenerate({ keep: ["start"] });
      session.mine = 1;
      await commit();
      const { token } = (stateOf(session) as StoreSessionState).origin!;
      const tab = someone();
      await tab.visit(() => (session.theirs = 2), { cookie: `session=${formatToken(token)}` });
      session.late = 3;
    });
    expect(await ada.data()).toEqual({ start: 1, mine: 1, theirs: 2, late: 3 });
  });

  it("counts each transaction once", async () => {
    const ada = someone();
    await ada.visit(() => (session.visits = 1));
    const tab = tabOf(ada);
    await ada.visit(async () => {
      session.transact("visits", (n = 0) => n + 1);
      await commit();
      await tab.visit(() => session.transact("visits", (n = 0) => n + 10));
      session.transact("visits", (n = 0) => n + 100);
    });
    expect((await ada.data())["visits"]).toBe(112);
  });

  it("keeps what is written while it is under way for the next one", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ visits: 0, gone: 1 }));
    await ada.visit(async () => {
      let open = () => {};
      gate = new Promise((resolve) => (open = resolve));
      session.before = 1;
      session.transact("visits", (n = 0) => n + 1);
      const first = commit();
      session.during = 2;
      session.transact("visits", (n = 0) => n + 10);
      delete session.gone;
      const second = commit();
      open();
      await Promise.all([first, second]);
    });
    expect(await ada.data()).toEqual({ visits: 11, before: 1, during: 2 });
  });

  it("loses nothing when it fails: the end of the request tries again", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ visits: 1, old: 1 }));
    const before = ada.cookie;
    await ada.visit(async () => {
      session.regenerate({ keep: ["visits"] });
      session.transact("visits", (n = 0) => n + 1);
      session.username = "ada";
      // The step, and each time that it is tried again.
      failures = 3;
      await expect(commit()).rejects.toThrow(StoreError);
    });
    expect(ada.cookie).not.toBe(before);
    expect(await ada.data()).toEqual({ visits: 2, username: "ada" });
  });

  it("keeps a login for the end of the request when it fails, and a logout", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const failing = async () => {
      failures = 3;
      await expect(commit()).rejects.toThrow(StoreError);
    };
    await ada.visit(async () => {
      session.owner = "ada";
      await failing();
    });
    expect(await managers[0]!.list("ada")).toHaveLength(1);
    expect((await ada.visit(() => session.owner)).seen).toBe("ada");
    await ada.visit(async () => {
      session.destroy();
      await failing();
    });
    expect(await managers[0]!.list("ada")).toEqual([]);
  });

  it("keeps for the end what it has already: the cookie of a new session, and none of an old one", async () => {
    const ada = someone();
    const failing = async (value: number) => {
      session.b = value;
      failures = 3;
      await expect(commit()).rejects.toThrow(StoreError);
    };
    await ada.visit(async () => {
      session.a = 1;
      await commit();
      await failing(2);
    });
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
    expect((await ada.visit(() => failing(3))).cookies).toEqual([]);
  });

  it("is no login when it fails and is tried again, where there was a login before", async () => {
    const ada = someone();
    await ada.visit(() => (session.owner = "ada"));
    time += 100_000;
    await ada.visit(async () => {
      session.a = 1;
      failures = 3;
      await expect(commit()).rejects.toThrow(StoreError);
    });
    await expect(ada.visit(() => requireFresh(60))).rejects.toThrow(NotFreshError);
    expect((await ada.visit(() => session.a)).seen).toBe(1);
  });

  it("ends a session that was cleared, also where the first attempt fails", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const { cookies } = await ada.visit(async () => {
      session.clear();
      failures = 3;
      await expect(commit()).rejects.toThrow(StoreError);
    });
    expect(cookies).toEqual([expect.stringContaining("Max-Age=0")]);
  });

  it("names a session that it is about to store as it will be named", async () => {
    const ada = someone();
    const { seen } = await ada.visit(async () => {
      session.a = 1;
      const done = commit();
      const name = stateOf(session).selector;
      await done;
      return [name, selectorOf(session)];
    });
    const [selector] = tokenIn(ada.cookie);
    expect(seen).toEqual([selector, selector]);
  });

  it("counts what it stored as written in this request: a login later in it keeps that", async () => {
    const ada = someone({ storeOptions: { keepAtLogin: [] } });
    await ada.visit(() => (session.before = 1));
    await ada.visit(async () => {
      session.mine = 1;
      await commit();
      session.owner = "ada";
    });
    expect(await ada.data()).toEqual({ mine: 1 });
  });

  it("ends a session at once; nothing of it is left to see, and its cookie is removed", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const selector = ada.cookie.slice("session=".length).split(".")[0]!;
    const { cookies } = await ada.visit(async () => {
      session.destroy();
      await commit();
      expect(await store.read(selector)).toBeUndefined();
    });
    expect(cookies).toEqual([expect.stringContaining("Max-Age=0")]);
    expect(calls.filter((verb) => verb === "remove")).toHaveLength(1);
  });

  it("begins another one after that, under another name", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const before = ada.cookie;
    await ada.visit(async () => {
      session.destroy();
      await commit();
      session.b = 2;
      await commit();
      session.c = 3;
    });
    expect(ada.cookie.slice(0, 24)).not.toBe(before.slice(0, 24));
    expect(await ada.data()).toEqual({ b: 2, c: 3 });
  });

  it("makes a login durable: the old token is dead and the owner has a session", async () => {
    const ada = someone();
    await ada.visit(() => (session.cart = ["tea"]));
    const thief = tabOf(ada);
    await ada.visit(async () => {
      session.owner = "ada";
      await commit();
      expect(await thief.data()).toEqual({});
      expect(await managers[0]!.list("ada")).toHaveLength(1);
    });
    expect(await ada.data()).toEqual({ cart: ["tea"] });
    expect(calls.filter((verb) => verb === "replace")).toHaveLength(1);
  });

  it("is not undone by a logout everywhere from before the request arrived", async () => {
    const ada = someone();
    await ada.visit(() => (session.owner = "ada"));
    await managers[0]!.destroyAll("ada");
    time += 5000;
    await ada.visit(async () => {
      time += 1000;
      session.owner = "ada";
      await commit();
    });
    expect(await managers[0]!.list("ada")).toHaveLength(1);
  });

  it("tells that the session ended meanwhile, and revives nothing", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const tab = tabOf(ada);
    const { cookies } = await ada.visit(async () => {
      await tab.visit(() => session.destroy());
      session.b = 2;
      await expect(commit()).rejects.toThrow(SessionLostError);
    });
    expect(cookies).toEqual([]);
    expect(await ada.data()).toEqual({});
  });

  it("leaves flashed messages for the end: shown in this request, or there for the next page", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1 }));
    await ada.visit(() => session.flash("first"));
    await ada.visit(async () => {
      session.b = 2;
      await commit();
      expect(session.getFlashedMessages()).toEqual(["first"]);
      session.flash("second");
      await commit();
    });
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["second"]);
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
  });

  it.each<[string, SessionOptions["storeOptions"], string | null, () => unknown, string[]]>([
    ["regenerate()", {}, null, () => session.regenerate({ keep: true }), ["hello"]],
    ["regenerate() of a login", {}, "ada", () => session.regenerate({ keep: true }), ["hello"]],
    ["a login", {}, null, () => (session.owner = "ada"), ["hello"]],
    [
      "a login that keeps them",
      { keepAtLogin: ["_flashes"] },
      null,
      () => (session.owner = "ada"),
      ["hello"],
    ],
    ["a login that keeps nothing", { keepAtLogin: [] }, null, () => (session.owner = "ada"), []],
  ])(
    "puts flashed messages back that a request cannot show, since another one replaced its token: %s",
    async (_, storeOptions, owner, replace, shown) => {
      const ada = someone({ storeOptions });
      await ada.visit(() => session.update({ a: 1 }));
      await ada.visit(() => (session.owner = owner));
      await ada.visit(() => session.flash("hello"));
      const tab = tabOf(ada, { storeOptions });
      await ada.visit(async () => {
        await tab.visit(replace);
        session.b = 1;
      });
      expect((await tab.visit(() => session.getFlashedMessages())).seen).toEqual(shown);
    },
  );

  it("says why a token opens no session: its record is gone, or another's, or cannot be decoded", async () => {
    const reasons: string[] = [];
    const ada = someone({ onRefused: (reason) => reasons.push(reason) });
    await ada.visit(() => (session.a = 1));
    const { cookie } = ada;
    const selector = cookie.slice("session=".length).split(".")[0]!;
    await ada.visit(() => session.a, { cookie: `session=${selector}.${"A".repeat(43)}` });
    await store.remove(selector);
    await ada.visit(() => session.a, { cookie });
    await store.insert(selector, { text: "not a record", commit: "A".repeat(16), lifetime: 60 });
    await ada.visit(() => session.a, { cookie });
    expect(reasons).toEqual(["unknown", "unknown", "undecodable"]);
  });

  it("is there for a session that begins with a message", async () => {
    const ada = someone();
    await ada.visit(async () => {
      session.flash("hello");
      await commit();
    });
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["hello"]);
  });

  it("sends the cookie of a permanent session again, as a write at the end does", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ _permanent: true, a: 1 }));
    const { cookies } = await ada.visit(async () => {
      session.a = 2;
      await commit();
    });
    expect(cookies).toEqual([expect.stringContaining("Expires=")]);
  });

  it("stays committed if the response is an error", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const saved = async () => {
      session.b = 2;
      await commit();
      session.c = 3;
    };
    await ada.visit(saved, { status: 500 });
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
  });

  it("has nothing to do for a session in a cookie", async () => {
    const ada = someone({ store: undefined });
    const { cookies } = await ada.visit(async () => {
      session.a = 1;
      await commit();
      session.b = 2;
    });
    expect(cookies).toHaveLength(1);
    expect(await ada.data()).toEqual({ a: 1, b: 2 });
  });

  it("waits for the save once that has begun", async () => {
    const ada = someone();
    const context = await ada.visit(() => {
      session.a = 1;
      return currentContext();
    });
    await context.seen.commit();
    expect(calls).toEqual(["insert"]);
  });
});

describe("RequestContext.reload", () => {
  it("shows what others saved, and drops what was not saved here", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1, b: 1 }));
    const tab = tabOf(ada);
    const { cookies } = await ada.visit(async () => {
      session.b = "unsaved";
      session.destroy();
      await tab.visit(() => session.update({ a: 2 }));
      await reload();
      expect(session.toJSON()).toEqual({ a: 2, b: 1 });
      session.c = 3;
    });
    expect(cookies).toEqual([]);
    expect(await ada.data()).toEqual({ a: 2, b: 1, c: 3 });
  });

  it("finds what was committed in this very request", async () => {
    const ada = someone();
    await ada.visit(async () => {
      session.a = 1;
      await commit();
      session.a = 2;
      await reload();
      expect(session.a).toBe(1);
    });
  });

  it("shows a message once, also when the session is read twice", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ a: 1 }));
    await ada.visit(() => session.flash("only once"));
    const { seen } = await ada.visit(async () => {
      const messages = session.getFlashedMessages();
      await reload();
      return [messages, session.has("_flashes")];
    });
    expect(seen).toEqual([["only once"], false]);
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual([]);
  });

  it("leaves messages that others flashed meanwhile to the next page, in a new session as well", async () => {
    const ada = someone();
    await ada.visit(async () => {
      session.a = 1;
      await commit();
      const { token } = (stateOf(session) as StoreSessionState).origin!;
      await someone().visit(() => session.flash("hello"), { cookie: `session=${formatToken(token)}` });
      await reload();
      expect(session.getFlashedMessages()).toEqual([]);
    });
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["hello"]);
  });

  it("follows a periodic rotation, and sends the new token", async () => {
    const rotating = { storeOptions: { rotateAfter: 60, rotationGrace: 5 } };
    const ada = someone(rotating);
    await ada.visit(() => (session.a = 1));
    const tab = tabOf(ada, rotating);
    await ada.visit(async () => {
      time += 61_000;
      await tab.visit(() => session.a);
      time += 61_000;
      await tab.visit(() => (session.a = 2));
      time += 10_000;
      await reload();
      expect(session.a).toBe(2);
    });
    expect(ada.cookie).toBe(tab.cookie);
  });

  it("does not follow a login, which makes it another user's session", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60 } });
    await ada.visit(() => (session.a = 1));
    const tab = tabOf(ada);
    await ada.visit(async () => {
      await tab.visit(() => session.regenerate({ keep: true }));
      await expect(reload()).rejects.toThrow(SessionLostError);
      expect(session.a).toBe(1);
    });
  });

  it("rejects without a session, or after its end", async () => {
    const ada = someone();
    await ada.visit(() => expect(reload()).rejects.toThrow(SessionLostError));
    await ada.visit(() => (session.a = 1));
    const tab = tabOf(ada);
    await ada.visit(async () => {
      await tab.visit(() => session.destroy());
      await expect(reload()).rejects.toThrow(SessionLostError);
    });
  });

  it("reads a cookie again, with the clock as it is now", async () => {
    const ada = someone({ store: undefined, lifetime: 60 });
    await ada.visit(() => (session.a = 1));
    await ada.visit(async () => {
      session.a = 2;
      await reload();
      expect(session.a).toBe(1);
      time += 61_000;
      await expect(reload()).rejects.toThrow(SessionLostError);
    });
  });
});

describe("a logout", () => {
  it("does not wait for a write of the same session that the store is slow with", async () => {
    const ada = someone();
    await ada.visit(() => (session.user = "ada"));
    const tab = tabOf(ada);
    let open = (): void => {};
    const slow = tab.visit(() => {
      session.late = true;
      gate = new Promise((resolve) => (open = resolve));
    });
    await expect.poll(() => calls.at(-1)).toBe("replace");
    gate = undefined;
    const { cookies } = await ada.visit(() => session.destroy());
    expect(cookies[0]).toContain("Max-Age=0");
    open();
    expect((await slow).cookies).toEqual([]);
    expect(await tab.data()).toEqual({});
  });
});
