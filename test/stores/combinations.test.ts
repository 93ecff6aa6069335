import { describe, expect, it } from "vitest";
import { currentContext } from "../../src/request/context.ts";
import {
  consume,
  createSession,
  loadSession,
  session,
  SchemaError,
  SessionLostError,
  SessionManager,
  type SessionOptions,
} from "../../src/index.ts";
import { expressSession } from "../../src/accepts.ts";
import { sessions as socketSessions } from "../../src/adapters/socket.ts";
import { inspector } from "../../src/inspector.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { faultyStore, testClock } from "../../src/testing.ts";
import { recordsIn } from "./stored.ts";
import { Visitor, visitorOf } from "./visitor.ts";

const commit = () => currentContext().commit();
const reload = () => currentContext().reload();
const someone = (options: SessionOptions = {}) => visitorOf({ store: memoryStore(), ...options });

describe("putting back what was there before", () => {
  it("keeps it after regenerate()", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ cart: [1], n: 5 }));
    await ada.visit(() => {
      const { cart, n } = session;
      session.regenerate();
      session.update({ cart, n });
      session.transact("n", (value = 0) => value + 1);
    });
    expect(await ada.data()).toEqual({ cart: [1], n: 6 });
  });

  it("keeps it after a login that keeps no data", async () => {
    const ada = someone({ storeOptions: { keepAtLogin: [] } });
    await ada.visit(() => (session.cart = [1]));
    await ada.visit(() => {
      const { cart } = session;
      session.owner = "ada";
      session.cart = cart;
    });
    expect(await ada.data()).toEqual({ cart: [1] });
  });

  it("keeps it after consume(), and lets it be changed, deleted and consumed again", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ reset: "code", k: 1, n: 5 }));
    await ada.visit(async () => {
      session.reset = await consume("reset");
      session.n = await consume("n");
      session.transact("n", (value = 0) => value + 1);
      await consume("k");
      session.k = 2;
      expect(await consume("k")).toBe(2);
      session.k = 3;
      await commit();
      delete session.k;
    });
    expect(await ada.data()).toEqual({ reset: "code", n: 6 });
  });

  it("does not bring back what was consumed while a commit was under way", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ code: "x", a: 1 }));
    await ada.visit(async () => {
      session.a = 2;
      const done = commit();
      expect(await consume("code")).toBe("x");
      await done;
      session.code = "y";
    });
    expect(await ada.data()).toEqual({ code: "y", a: 2 });
  });
});

describe("a commit in the middle of a request", () => {
  it("leaves to a login what the request wrote before it", async () => {
    const ada = someone({ storeOptions: { keepAtLogin: [] } });
    await ada.visit(() => (session.planted = true));
    await ada.visit(async () => {
      session.cart = 1;
      await commit();
      session.owner = "ada";
    });
    expect(await ada.data()).toEqual({ cart: 1 });
  });

  it("does not hide a logout from Clear-Site-Data", async () => {
    const manager = new SessionManager({
      store: memoryStore(),
      clearSiteData: true,
      storeOptions: { sweepEvery: 0 },
    });
    const context = manager.requestContext({ headers: new Headers() });
    const headers = new Headers();
    await context.run(async () => {
      session.a = 1;
      session.destroy();
      await commit();
    });
    await context.save({ headers });
    expect(headers.get("Clear-Site-Data")).toBe('"storage"');
  });

  it("does not hide a logout from the cookies of other libraries", async () => {
    const old = expressSession({ secret: "old", store: { get: () => ({ username: "ada" }) } });
    const value = encodeURIComponent(`s:id.${await signed("id", "old")}`);
    const bob = someone({ accepts: [old] });
    await bob.visit(() => (session.username = "bob"));
    const both = `${bob.cookie}; connect.sid=${value}`;
    const { cookies } = await bob.visit(
      async () => {
        session.destroy();
        await commit();
        session.flash("bye");
      },
      { cookie: both },
    );
    expect(cookies.filter((line) => line.startsWith("connect.sid=;"))).toHaveLength(1);
  });

  it("begins a new session later where an ending was saved and the beginning was not", async () => {
    const store = faultyStore(memoryStore());
    const ada = someone({ store });
    await ada.visit(() => (session.a = 1));
    await ada.visit(async () => {
      session.destroy();
      session.b = 2;
      store.fail("insert");
      await expect(commit()).rejects.toThrow("on demand");
      store.recover();
    });
    expect(await ada.data()).toEqual({ b: 2 });
  });

  it("removes the cookie of a session that it ended, where no other begins after all", async () => {
    const store = faultyStore(memoryStore());
    const ada = someone({ store });
    await ada.visit(() => (session.a = 1));
    await ada.visit(async () => {
      session.destroy();
      session.b = 2;
      store.fail("insert");
      await expect(commit()).rejects.toThrow("on demand");
      delete session.b;
    });
    expect(ada.cookie).toBe("");
  });

  it("sends no cookie of a session that it found lost", async () => {
    const store = memoryStore();
    const ada = someone({ store });
    await ada.visit(() => (session.a = 1));
    const { cookies } = await ada.visit(async () => {
      session.owner = "ada";
      await commit();
      await recordsIn(store).destroyAll("ada", undefined);
      session.b = 1;
      await expect(commit()).rejects.toThrow(SessionLostError);
      delete session.b;
    });
    expect(cookies).toEqual([]);
  });

  it("follows periodic rotations for a socket", async () => {
    const time = testClock();
    const store = memoryStore({ now: time.now });
    const options = {
      secretKey: "s",
      store,
      now: time.now,
      storeOptions: { rotateAfter: 60, rotationGrace: 30, sweepEvery: 0 },
    };
    const ada = new Visitor(new SessionManager(options));
    await ada.visit(() => (session.a = 1));
    const request = new Request("http://shop.example/", { headers: { Cookie: ada.cookie } });
    const socket = await socketSessions(options).fromRequest(request);
    time.advance(61);
    await ada.visit(() => (session.b = 1));
    time.advance(61);
    socket.c = 1;
    await socket.save();
    expect(await ada.data()).toEqual({ a: 1, b: 1, c: 1 });
  });
});

describe("messages", () => {
  it("are shown once, whatever is read again", async () => {
    for (const store of [memoryStore(), undefined]) {
      const ada = someone({ store });
      await ada.visit(() => (session.flash("paid"), (session.a = 1)));
      const { seen } = await ada.visit(async () => {
        const messages = session.getFlashedMessages();
        await reload();
        return messages;
      });
      expect([seen, (await ada.visit(() => session.getFlashedMessages())).seen]).toEqual([["paid"], []]);
    }
  });

  it("wait for the next request where a save throws", async () => {
    const schema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) =>
          (value as { n?: unknown }).n === "bad" ? { issues: [{ message: "bad", path: ["n"] }] } : { value },
      },
    } as const;
    const ada = someone({ schema });
    await ada.visit(() => (session.flash("paid"), (session.a = 1)));
    await expect(ada.visit(() => (session.n = "bad"))).rejects.toThrow(SchemaError);
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["paid"]);
  });

  it("wait for the next request where an answer overtakes a lazy session", async () => {
    const ada = someone({ storeOptions: { lazy: true } });
    await ada.visit(async () => {
      (await loadSession()).flash("paid");
      session.a = 1;
    });
    await ada.visit(() => void loadSession());
    const { seen } = await ada.visit(async () => (await loadSession()).getFlashedMessages());
    expect(seen).toEqual(["paid"]);
  });
});

it("tells a socket of a lazy session's end", async () => {
  const manager = new SessionManager({ store: memoryStore(), storeOptions: { lazy: true, sweepEvery: 0 } });
  const ada = new Visitor(manager);
  await ada.visit(async () => ((await loadSession()).a = 1));
  const request = new Request("http://shop.example/", { headers: { Cookie: ada.cookie } });
  const socket = await socketSessions(manager).fromRequest(request);
  const ended = new Promise<string>((resolve) => socket.onDestroyed(() => resolve("ended")));
  await ada.visit(async () => (await loadSession()).destroy());
  expect(await ended).toBe("ended");
  await manager.close();
});

it("lets what watches a save look on while a value changes", async () => {
  const store: Store = memoryStore();
  const manager = new SessionManager({ store, storeOptions: { sweepEvery: 0 } });
  inspector(manager, { authorize: () => true });
  const context = manager.requestContext({ headers: new Headers() });
  const list: number[] = [];
  context.run(() => session.update({ list, copy: createSession().toJSON() }));
  const headers = new Headers();
  const saving = context.save({ headers });
  context.run(() => session.get("list").push(1));
  await saving;
  expect(headers.getSetCookie()).toHaveLength(1);
});

/** As express-session signs. */
async function signed(id: string, secret: string): Promise<string> {
  const { createHmac } = await import("node:crypto");
  return createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
}
