import { createHmac } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import {
  codecCookie,
  cookieSession,
  expressSession,
  type OldStore,
  type OldStoreCallback,
} from "../src/accepts.ts";
import { Store } from "../src/express-session.ts";
import { flaskCodec, session, SessionManager, StoreError, type SessionOptions } from "../src/index.ts";
import { memoryStore } from "../src/stores/memory.ts";

const now = () => Date.UTC(2026, 0, 2);

/** cookie-session's two cookies, as Keygrip signs them. */
function oldCookies(data: object, key = "old", name = "old.session"): string {
  const value = Buffer.from(JSON.stringify(data)).toString("base64");
  const signature = createHmac("sha1", key).update(`${name}=${value}`).digest("base64url");
  return `${name}=${value}; ${name}.sig=${signature}`;
}

/** A store of express-session whose methods are assigned. */
class PlainStore extends Store {
  get(): void {}
  set(): void {}
  destroy(): void {}
}

async function visit(options: SessionOptions, cookie: string, view: () => unknown, status = 200) {
  const context = new SessionManager({ secretKey: "new", now, ...options }).requestContext({
    headers: new Headers({ Cookie: cookie }),
  });
  await context.opening;
  const seen = await context.run(async () => view());
  const headers = new Headers();
  await context.save({ headers, status });
  return { seen, cookies: headers.getSetCookie() };
}

const accepts = [cookieSession({ keys: ["old"], cookieName: "old.session" })];

describe.each([
  ["in a cookie", () => ({})],
  ["in a store", () => ({ store: memoryStore({ now }) })],
])("sessions({ accepts }) %s", (_, home) => {
  it("opens a session from the old cookie, saves it as ours and expires the old one, once", async () => {
    const options = { accepts, ...home() };
    const first = await visit(options, oldCookies({ username: "ada", cart: [1] }), () => session.toJSON());
    expect(first.seen).toEqual({ username: "ada", cart: [1] });
    expect(first.cookies).toHaveLength(3);
    expect(first.cookies[0]).toMatch(/^session=.+; HttpOnly; Path=\/$/);
    expect(first.cookies.slice(1)).toEqual([
      "old.session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
      "old.session.sig=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
    ]);
    const ours = first.cookies[0]!.split(";")[0]!;
    const second = await visit(options, ours, () => session.toJSON());
    expect(second).toEqual({ seen: { username: "ada", cart: [1] }, cookies: [] });
  });

  it("prefers a session of ours, and then leaves the old cookie alone", async () => {
    const options = { accepts, ...home() };
    const { cookies } = await visit(options, "", () => (session.username = "bob"));
    const both = `${cookies[0]!.split(";")[0]!}; ${oldCookies({ username: "ada" })}`;
    expect(await visit(options, both, () => session.username)).toEqual({ seen: "bob", cookies: [] });
  });

  it.each([
    ["destroy()", () => session.destroy()],
    ["clear()", () => session.clear()],
    ["destroy() and a message", () => (session.destroy(), session.flash("bye"))],
  ])("ends an old cookie beside ours with %s, so that a logout is one", async (_, logOut) => {
    const options = { accepts, ...home() };
    const { cookies } = await visit(options, "", () => (session.username = "bob"));
    const both = `${cookies[0]!.split(";")[0]!}; ${oldCookies({ username: "ada" })}`;
    const logout = await visit(options, both, logOut);
    expect(logout.cookies.map((line) => line.split("=")[0])).toEqual([
      "session",
      "old.session",
      "old.session.sig",
    ]);
    expect(logout.cookies.slice(1).every((line) => line.includes("Max-Age=0"))).toBe(true);
  });

  it("expires the old cookie it was opened from, and no other as long as it lives", async () => {
    const other = cookieSession({ keys: ["old"], cookieName: "other" });
    const cookies = `${oldCookies({ a: 1 })}; ${oldCookies({ b: 2 }, "old", "other")}`;
    const options = { accepts: [...accepts, other], ...home() };
    const opened = await visit(options, cookies, () => session.toJSON());
    expect(opened.seen).toEqual({ a: 1 });
    const names = opened.cookies.map((line) => line.split("=")[0]);
    expect(names).toEqual(["session", "old.session", "old.session.sig"]);
    const ended = await visit({ ...options, ...home() }, cookies, () => session.destroy());
    expect(ended.cookies).toHaveLength(5);
  });

  it("does not expire an old cookie of its own name, which it replaces", async () => {
    const old = flaskCodec({ secretKey: "older" });
    const text = old.encode(new Map([["a", "1"]]), { now: now(), maxAge: 100, cookieName: "session" });
    const same = [codecCookie({ codec: old, cookieName: "session", maxAge: 100 })];
    const { seen, cookies } = await visit({ accepts: same, ...home() }, `session=${text}`, () => session.a);
    expect([seen, cookies]).toEqual([1, [expect.stringMatching(/^session=.+; HttpOnly; Path=\/$/)]]);
  });

  it("logs out in the very request that brings the old cookie", async () => {
    const { cookies } = await visit({ accepts, ...home() }, oldCookies({ a: 1 }), () => session.destroy());
    expect(cookies).toHaveLength(3);
    expect(cookies.every((line) => line.includes("Max-Age=0"))).toBe(true);
  });

  it("expires names with a prefix under the conditions of browsers", async () => {
    const name = "__Host-old";
    const prefixed = [cookieSession({ keys: ["old"], cookieName: name })];
    const old = oldCookies({ a: 1 }, "old", name);
    const { cookies } = await visit({ accepts: prefixed, ...home() }, old, () => session.a);
    expect(cookies[1]).toBe("__Host-old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/");
    const framed = { cookieSameSite: "None", cookieSecure: true };
    const other = await visit({ accepts, ...home(), ...framed }, oldCookies({ a: 1 }), () => session.a);
    expect(other.cookies[1]).toMatch(/^old\.session=;.*; Secure; Path=\/; SameSite=None$/);
  });

  it("outlives the browser if it is told to", async () => {
    const lasting = [cookieSession({ keys: ["old"], cookieName: "old.session", permanent: true })];
    const { seen, cookies } = await visit({ accepts: lasting, ...home() }, oldCookies({ a: 1 }), () => [
      session.a,
      session.permanent,
    ]);
    expect(seen).toEqual([1, true]);
    expect(cookies[0]).toContain("Expires=Mon, 02 Feb 2026");
    const fleeting = await visit({ accepts, ...home() }, oldCookies({ a: 1 }), () => session.permanent);
    expect(fleeting.seen).toBe(false);
    expect(fleeting.cookies[0]).not.toContain("Expires=");
  });

  it("shows the messages that the old library left, and keeps as data what is none", async () => {
    const [old] = accepts;
    const flashing = {
      ...old!,
      decode: () => ({
        ok: true as const,
        kind: "data" as const,
        data: {},
        flash: { error: "no such book", count: 2 },
        cookieNames: ["old.session"],
      }),
    };
    const { seen } = await visit({ accepts: [flashing], ...home() }, oldCookies({}), () => [
      session.getFlashedMessages({ withCategories: true }).map((message) => [...message]),
      session.count,
    ]);
    expect(seen).toEqual([[["error", "no such book"]], 2]);
  });

  it("refuses a forged old cookie quietly", async () => {
    const forged = oldCookies({ username: "root" }, "guessed");
    expect(await visit({ accepts, ...home() }, forged, () => session.size)).toEqual({ seen: 0, cookies: [] });
  });

  it("stops at the end date, and counts until then", async () => {
    const ended = [cookieSession({ keys: ["old"], cookieName: "old.session", until: "2026-01-02" })];
    expect(await visit({ accepts: ended, ...home() }, oldCookies({ a: 1 }), () => session.size)).toEqual({
      seen: 0,
      cookies: [],
    });
    const counting = [cookieSession({ keys: ["old"], cookieName: "old.session", until: "2026-01-03" })];
    await visit({ accepts: counting, ...home() }, oldCookies({ a: 1 }), () => session.size);
    expect(counting[0]!.opened).toBe(1);
  });

  it("keeps every string of a Flask cookie under an older configuration", async () => {
    const old = flaskCodec({ secretKey: "older", salt: "other-salt" });
    const texts = new Map([["price", "1.0"]]);
    const text = old.encode(texts, { now: now(), maxAge: 100, cookieName: "flask" });
    const options = { accepts: [codecCookie({ codec: old, cookieName: "flask", maxAge: 100 })], ...home() };
    const { seen, cookies } = await visit(options, `flask=${text}`, () => session.price);
    expect(seen).toBe(1);
    expect(cookies).toHaveLength(2);
  });
});

describe("sessions({ accepts }) with a session of ours that holds nothing but its owner", () => {
  it("fills it with nothing of an old cookie's", async () => {
    const options = { accepts, store: memoryStore({ now }) };
    const { cookies } = await visit(options, "", () => (session.owner = "bob"));
    const both = `${cookies[0]!.split(";")[0]!}; ${oldCookies({ username: "ada" })}`;
    const { seen } = await visit(options, both, () => [session.owner, session.size]);
    expect(seen).toEqual(["bob", 0]);
    const renewed = await visit(options, both, () => session.regenerate());
    expect(renewed.cookies).toEqual([expect.stringMatching(/^session=[^;]/)]);
  });
});

describe("sessions({ accepts }) with the old library's store", () => {
  const expressRecord = { cookie: { originalMaxAge: null }, username: "ada" };
  const records = new Map<string, unknown>();
  const store = { get: async (id: string) => records.get(id), destroy: (id: string) => records.delete(id) };
  const signed = `s:abc.${createHmac("sha256", "keyboard cat").update("abc").digest("base64").replace(/=+$/, "")}`;
  const cookie = `connect.sid=${encodeURIComponent(signed)}`;
  const accepting = (old: OldStore, storeTimeout = 2): SessionOptions => ({
    accepts: [expressSession({ secret: "keyboard cat", store: old, storeTimeout })],
    store: memoryStore({ now }),
  });

  it("keeps the old cookie and record while the new session is not saved, and removes both once it is", async () => {
    records.set("abc", expressRecord);
    const options = accepting(store);
    const failed = await visit(options, cookie, () => session.username, 500);
    expect(failed).toEqual({ seen: "ada", cookies: [] });
    expect(records.has("abc")).toBe(true);
    const saved = await visit(options, cookie, () => session.username);
    expect(saved.seen).toBe("ada");
    expect(saved.cookies).toHaveLength(2);
    expect(records.has("abc")).toBe(false);
  });

  it("lasts as long in the browser as the old one did", async () => {
    records.set("abc", { ...expressRecord, cookie: { originalMaxAge: 3_600_000, expires: "2026-01-03" } });
    const { seen, cookies } = await visit(accepting(store), cookie, () => session.permanent);
    expect(seen).toBe(true);
    expect(cookies[0]).toContain("Expires=");
  });

  it.each<[string, OldStore]>([
    ["at once", { get: (id) => records.get(id) }],
    ["by a callback", { get: (id, callback) => void setImmediate(callback, undefined, records.get(id)) }],
    [
      "by a callback, with a promise of nothing besides",
      {
        async get(id, callback) {
          callback(undefined, records.get(id));
        },
      },
    ],
    [
      "by a callback with a default, in the same moment",
      {
        get: (id, callback = () => {}) => queueMicrotask(() => callback(undefined, records.get(id))),
      },
    ],
    [
      "as a store of express-session, by a callback with a default",
      Object.assign(new PlainStore(), {
        get(id: string, callback: OldStoreCallback = () => {}) {
          setImmediate(callback, undefined, records.get(id));
        },
      }),
    ],
    // oxlint-disable-next-line no-unused-vars -- how the stores of koa-session are declared
    ["by a promise, with a second parameter of its own", { get: async (id, _maxAge) => records.get(id) }],
  ])("asks a store that answers %s", async (_, old) => {
    records.set("abc", expressRecord);
    expect((await visit(accepting(old), cookie, () => session.username)).seen).toBe("ada");
    for (const none of [undefined, null]) {
      records.set("abc", none);
      expect((await visit(accepting(old), cookie, () => session.size)).seen).toBe(0);
    }
  });

  it("opens nothing of a record without data, however long it lasts", async () => {
    records.set("abc", { cookie: { originalMaxAge: 3_600_000, expires: "2026-01-03" } });
    const { seen } = await visit(accepting(store), cookie, () => [session.size, session.permanent]);
    expect(seen).toEqual([0, false]);
  });

  it("takes a file that is not there for no record", async () => {
    const missing = Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
    const old: OldStore = { get: (_, callback) => callback(missing) };
    expect((await visit(accepting(old), cookie, () => session.size)).seen).toBe(0);
  });

  it.each<[string, OldStore]>([
    ["rejects", { get: () => Promise.reject(new Error("down")) }],
    ["calls back with an error", { get: (_, callback) => callback(new Error("down")) }],
    [
      "throws",
      {
        get: () => {
          throw new Error("down");
        },
      },
    ],
    ["says nothing", { get: () => new Promise(() => {}) }],
  ])("is an outage, and never a stranger, when the old store %s", async (_, old) => {
    const visiting = visit(accepting(old, 0.02), cookie, () => session.size);
    await expect(visiting).rejects.toThrow(StoreError);
  });

  it("answers with the saved session when the old record cannot be removed, and tells of it", async () => {
    records.set("abc", expressRecord);
    const heard: unknown[] = [];
    const listen = (message: unknown) => heard.push(message);
    channel("hipflask:recordKept").subscribe(listen);
    const old = { ...store, destroy: () => Promise.reject(new Error("read-only")) };
    const { seen, cookies } = await visit(accepting(old), cookie, () => session.username);
    channel("hipflask:recordKept").unsubscribe(listen);
    expect([seen, cookies.length]).toEqual(["ada", 2]);
    expect(heard).toMatchObject([{ from: "express-session", error: { name: "StoreError" } }]);
  });
});
