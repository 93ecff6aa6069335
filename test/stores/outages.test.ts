import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore, type FaultyStore } from "../../src/testing.ts";
import type { Listening } from "../adapters/listen.ts";
import { apps } from "./apps.ts";
import { storedSession } from "./stored.ts";

// Express tells of every error it answers.
vi.spyOn(console, "error").mockReturnValue();

/** What every app of this test does: visits are counted and redirected, some paths fail after they changed the session. */
function act(path: string): string {
  if (path === "/logout") session.destroy();
  else session.visits = (session.visits ?? 0) + 1;
  if (path !== "/") throw new Error("on purpose");
  return `visit ${session.visits}`;
}

describe.each(Object.entries(apps))("a failing store behind %s", (_, serve) => {
  let store: FaultyStore;
  let server: Listening;
  let manager: SessionManager;

  beforeEach(async () => {
    store = faultyStore(memoryStore());
    manager = new SessionManager({
      secretKey: "s",
      store,
      storeOptions: { storeTimeout: 0.05, sweepEvery: 0 },
    });
    server = await serve(manager, act);
  });

  afterEach(() => server.close());

  async function get(cookie = "", path = "/") {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: { cookie },
      redirect: "manual",
    });
    return {
      status: response.status,
      cookies: response.headers.getSetCookie(),
      location: response.headers.get("location"),
      retryAfter: response.headers.get("retry-after"),
      body: await response.text(),
    };
  }

  it.each(["rejects", "throws", "hangs"] as const)(
    "answers 503 without a cookie while reading %s, and recovers (SEC-34)",
    async (illness) => {
      const { cookies } = await get();
      const cookie = cookies[0]!.split(";")[0]!;
      store.fail("read", illness);
      const answer = await get(cookie);
      expect(answer).toMatchObject({ status: 503, cookies: [], location: null, retryAfter: "5" });
      expect(answer.body).not.toMatch(/purpose|demand|driver|StoreError|TypeError|\.ts:/);
      store.recover();
      expect((await get(cookie)).status).toBe(302);
    },
  );

  it.each(["rejects", "throws", "hangs"] as const)(
    "never looks like success while saving %s, and recovers (SEC-35)",
    async (illness) => {
      const { cookies } = await get();
      const cookie = cookies[0]!.split(";")[0]!;
      for (const verb of ["replace", "insert"] as const) {
        store.fail(verb, illness);
        const answer = await get(verb === "replace" ? cookie : "");
        expect(answer).toMatchObject({ status: 503, cookies: [], location: null, retryAfter: "5" });
        expect(answer.body).not.toMatch(/visit|purpose|demand|driver|StoreError|TypeError|\.ts:/);
        store.recover();
      }
      expect((await get(cookie)).status).toBe(302);
    },
  );
});

describe.each(Object.entries(apps))("a failing handler behind %s", (_, serve) => {
  it("saves nothing that it wrote, and ends what it ended (SEC-18)", async () => {
    const store = memoryStore();
    const manager = new SessionManager({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } });
    const server = await serve(manager, act);
    const get = async (path: string, cookie = "") => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: { cookie },
        redirect: "manual",
      });
      await response.text();
      return { status: response.status, line: response.headers.getSetCookie()[0] ?? "" };
    };
    const stranger = await get("/throws");
    expect(stranger).toEqual({ status: 500, line: "" });
    const cookie = (await get("/")).line.split(";")[0]!;
    const selector = cookie.slice("session=".length).split(".")[0]!;
    const visits = async () => (await storedSession(store, selector))?.fields.get("visits");
    expect(await get("/throws", cookie)).toEqual({ status: 500, line: "" });
    expect(await visits()).toBe("1");
    const logout = await get("/logout", cookie);
    expect([logout.status, logout.line.includes("Max-Age=0")]).toEqual([500, true]);
    expect(await store.read(selector)).toBeUndefined();
    await server.close();
  });
});

describe("a record that cannot be read", () => {
  it("means no session, and is kept as it is", async () => {
    const store = memoryStore();
    const manager = new SessionManager({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } });
    const headers = new Headers();
    const first = manager.requestContext({ headers: new Headers() });
    first.run(() => (session.a = 1));
    await first.save({ headers });
    const cookie = headers.get("Set-Cookie")!.split(";")[0]!;
    const selector = cookie.slice("session=".length, "session=".length + 16);
    const found = (await store.read(selector))!;
    const text = found.text.replace('"a":1', '"a":{" u":"no uuid"}');
    expect(text).not.toBe(found.text);
    await store.replace(selector, found.commit, { text, commit: "x".repeat(16), lifetime: 600 });
    const second = manager.requestContext({ headers: new Headers({ Cookie: cookie }) });
    await second.opening;
    expect(second.run(() => session.size)).toBe(0);
    expect((await store.read(selector))?.text).toBe(text);
  });
});
