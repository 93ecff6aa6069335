import Libsql from "libsql";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CsrfProtect } from "../../src/csrf.ts";
import { djangoSessions } from "../../src/django.ts";
import {
  ConfigError,
  consume,
  loadSession,
  requireFresh,
  selectorOf,
  session,
  SessionManager,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/parts/store.ts";

afterEach(() => vi.restoreAllMocks());

/** One request to a new visitor, and the headers of its answer. */
async function answer(
  options: SessionOptions,
  view: () => unknown,
  given: Record<string, string> = {},
  cookie = "",
): Promise<Headers> {
  const manager = new SessionManager({
    secretKey: "s",
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  const context = manager.requestContext({ headers: new Headers({ Cookie: cookie }) });
  await context.opening;
  await context.run(async () => view());
  const headers = new Headers(given);
  await context.save({ status: 200, headers });
  return headers;
}

/** What a page shows that asks whether this works. */
function outcomeOf(act: () => void): string {
  try {
    act();
    return "fine";
  } catch (error) {
    return (error as Error).name;
  }
}

const kinds: Array<[string, () => SessionOptions]> = [
  ["a cookie", () => ({})],
  ["a store", () => ({ store: memoryStore() })],
];

describe("the answer of a session in Django's table", () => {
  it("tells of one that asked to be stored (SEC-57)", async () => {
    const db = new Libsql(":memory:");
    db.exec(
      "CREATE TABLE django_session (session_key TEXT PRIMARY KEY, session_data TEXT, expire_date TEXT)",
    );
    const manager = new SessionManager({ sessionInterface: djangoSessions(db, { secretKey: "s" }) });
    const context = manager.requestContext({ headers: new Headers() });
    await context.opening;
    context.run(() => (session.a = 1));
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    subscribe("hipflask:cacheConflict", listen);
    const headers = new Headers({ "Cache-Control": "public, max-age=60" });
    await context.save({ status: 200, headers });
    unsubscribe("hipflask:cacheConflict", listen);
    expect(headers.get("Cache-Control")).toBe("max-age=60, no-store");
    expect(told).toEqual([{ cookieName: "sessionid", removed: ["public"] }]);
    db.close();
  });
});

describe.each(kinds)("the answer of a session in %s", (_, kind) => {
  it("forbids storing and tells of an answer that asked to be stored (SEC-57)", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    subscribe("hipflask:cacheConflict", listen);
    const shared = { "Cache-Control": "public, max-age=60" };
    const written = await answer(kind(), () => (session.a = 1), shared);
    const emptied = await answer(kind(), () => session.clear(), shared);
    const read = await answer(kind(), () => session.a, shared);
    await answer(kind(), () => (session.a = 1), { "Cache-Control": "private" });
    unsubscribe("hipflask:cacheConflict", listen);
    expect(written.get("Cache-Control")).toBe("max-age=60, no-store");
    expect(emptied.get("Cache-Control")).toBe("max-age=60, no-store");
    expect(read.get("Cache-Control")).toBe("public, max-age=60");
    const conflict = { cookieName: "session", removed: ["public"] };
    expect(told).toEqual([conflict, conflict]);
  });

  const looks: Array<[string, () => unknown]> = [
    ["get", () => session.get("a")],
    ["has", () => session.has("a")],
    ["in", () => "a" in session],
    ["size", () => session.size],
    ["keys", () => [...session.keys()]],
    ["iteration", () => [...session]],
    ["spread", () => ({ ...session })],
    ["JSON", () => JSON.stringify(session)],
    ["owner", () => session.owner],
    ["permanent", () => session.permanent],
    ["a write", () => (session.a = 1)],
    ["isNew", () => session.isNew],
    ["modified", () => session.modified],
    ["a property", () => session.a],
    ["values", () => [...session.values()]],
    ["entries", () => [...session.entries()]],
    ["names", () => Object.keys(session)],
    ["hasOwn", () => Object.hasOwn(session, "a")],
    ["a string of it", () => `${session}`],
    ["pop", () => session.pop("a")],
    ["popItem", () => session.popItem()],
    ["setDefault", () => session.setDefault("a", 1)],
    ["delete", () => delete session.a],
    ["messages", () => session.getFlashedMessages()],
    ["transact", () => session.transact("a", () => 1)],
    ["setting a flag", () => (session.modified = false)],
    ["regenerate", () => session.regenerate()],
    ["destroy", () => session.destroy()],
    ["consume", () => consume("a")],
    ["a token for forms", () => new CsrfProtect({ secretKey: "s" }).generateCsrf()],
    ["checking such a token", () => outcomeOf(() => new CsrfProtect({ secretKey: "s" }).validateCsrf("a"))],
  ];
  it.each(looks)("says Vary: Cookie once after %s (SEC-58)", async (_, look) => {
    expect((await answer(kind(), look)).get("Vary")).toBe("Cookie");
    expect((await answer(kind(), look, { Vary: "accept, cookie" })).get("Vary")).toBe("accept, cookie");
  });

  it("sets no cache headers without an access", async () => {
    const headers = await answer(kind(), () => undefined, { Vary: "Accept" });
    expect([...headers]).toEqual([["vary", "Accept"]]);
  });

  it("asks to clear the site's data after a logout, where the options say so, and only then (SEC-69)", async () => {
    const cleared = async (clearSiteData: SessionOptions["clearSiteData"], view: () => unknown) =>
      (await answer({ ...kind(), clearSiteData }, view)).get("Clear-Site-Data");
    expect(await cleared(undefined, () => session.destroy())).toBeNull();
    expect(await cleared(false, () => session.destroy())).toBeNull();
    expect(await cleared(true, () => session.destroy())).toBe('"storage"');
    expect(await cleared(["cache", "storage"], () => session.destroy())).toBe('"cache", "storage"');
    expect(await cleared(true, () => session.clear())).toBeNull();
    expect(await cleared(true, () => (session.a = 1))).toBeNull();
  });

  it("has one line for each header, whatever is written or configured (SEC-56)", async () => {
    const nasty = ["\r\nX-Evil: 1", "a\nb", "a;b", 'a"b', "\0", "é\u2028", "%0d%0aX: y", ",", " "];
    for (const text of nasty) {
      const headers = await answer({ ...kind(), cookiePath: `/${text.replaceAll(/[^ -~]/g, "")}` }, () =>
        session.set(text, text),
      );
      const lines = headers.getSetCookie();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^[ -~]*$/);
      expect(lines[0]!.split(";")).toHaveLength(3);
    }
  });
});

describe("a page that shows what only a store knows of its visitor", () => {
  const token = `${"A".repeat(16)}.${"B".repeat(42)}A`;
  it.each([
    ["selectorOf", () => selectorOf(session)],
    ["requireFresh", () => outcomeOf(() => requireFresh(60))],
    ["isNew before it was fetched", () => outcomeOf(() => session.isNew)],
    ["owner before it was fetched", () => outcomeOf(() => session.owner)],
    ["a fetch and isNew", async () => (await loadSession()).isNew],
  ])("says Vary: Cookie after %s (SEC-58)", async (_, look) => {
    const options = { store: memoryStore(), storeOptions: { lazy: true } };
    expect((await answer(options, look, {}, `session=${token}`)).get("Vary")).toBe("Cookie");
  });
});

describe("a store that is not atomic", () => {
  const loose = (): Store => {
    const store = memoryStore();
    return new Proxy(store, {
      get: (target, name) => {
        if (name === "atomic") return false;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  };

  it("takes no owner, or is complained about once when that was allowed (SEC-20)", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await expect(answer({ store: loose() }, () => (session.owner = "ada"))).rejects.toThrow(ConfigError);
    expect(warn).not.toHaveBeenCalled();
    const manager = new SessionManager({
      secretKey: "s",
      store: loose(),
      storeOptions: { allowNonAtomicStore: true, sweepEvery: 0 },
    });
    for (let request = 0; request < 3; request++) {
      const context = manager.requestContext({ headers: new Headers() });
      context.run(() => (session.owner = "ada"));
      await context.save({ headers: new Headers() });
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("not atomic"));
  });
});

describe("keepAtLogin", () => {
  it.each(["cart", [1], false])("is a list of keys or true, and not %j", (keepAtLogin) => {
    const options = { store: memoryStore(), storeOptions: { keepAtLogin } } as unknown as SessionOptions;
    expect(() => new SessionManager(options)).toThrow(ConfigError);
  });
});
