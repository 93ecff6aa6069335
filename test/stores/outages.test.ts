import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore } from "../../src/testing.ts";
import { listen } from "../adapters/listen.ts";

const write = () => `visit ${(session.visits = (session.visits ?? 0) + 1)}`;
const quiet = { onError: () => {} };

const servers: Record<string, (manager: SessionManager) => ServerType> = {
  "hipflask/node": (manager) =>
    createServer(
      nodeSessions(
        manager,
        quiet,
      )((_, res) => {
        const text = write();
        res.writeHead(302, { Location: "/next" }).end(text);
      }),
    ),
  "hipflask/fetch": (manager) =>
    createAdaptorServer({
      fetch: fetchSessions(
        manager,
        quiet,
      )(() => new Response(write(), { status: 302, headers: { Location: "/next" } })),
    }),
  "hipflask/hono": (manager) => {
    const app = new Hono();
    app.use(honoSessions(manager));
    app.get("/", (c) => (write(), c.redirect("/next")));
    return createAdaptorServer({ fetch: app.fetch });
  },
};

describe.each(Object.entries(servers))("an ill store behind %s", (_, serve) => {
  const store = faultyStore(memoryStore());
  let server: Awaited<ReturnType<typeof listen>>;
  let manager: SessionManager;

  beforeEach(async () => {
    store.recover();
    manager = new SessionManager({
      secretKey: "s",
      store,
      storeTimeout: 0.05,
      sweepEvery: 0,
    });
    server = await listen(serve(manager));
  });

  afterEach(() => server.close());

  async function get(cookie = "") {
    const response = await fetch(`http://127.0.0.1:${server.port}/`, {
      headers: { cookie },
      redirect: "manual",
    });
    return {
      status: response.status,
      cookies: response.headers.getSetCookie(),
      location: response.headers.get("location"),
      body: await response.text(),
    };
  }

  it.each(["rejects", "throws", "hangs"] as const)(
    "answers 503 without a cookie while reading %s, and recovers",
    async (fault) => {
      const { cookies } = await get();
      const cookie = cookies[0]!.split(";")[0]!;
      store.fail("read", fault);
      const answer = await get(cookie);
      expect(answer).toMatchObject({ status: 503, cookies: [], location: null });
      expect(answer.body).not.toMatch(/demand|driver|Error/);
      store.recover();
      expect((await get(cookie)).status).toBe(302);
    },
  );

  it.each(["rejects", "throws", "hangs"] as const)(
    "never looks like success while saving %s, and recovers",
    async (fault) => {
      const { cookies } = await get();
      const cookie = cookies[0]!.split(";")[0]!;
      for (const verb of ["patch", "create"] as const) {
        store.fail(verb, fault);
        const answer = await get(verb === "patch" ? cookie : "");
        expect(answer).toMatchObject({ status: 503, cookies: [], location: null });
        expect(answer.body).not.toMatch(/visit|demand|driver|Error/);
        store.recover();
      }
      expect((await get(cookie)).status).toBe(302);
    },
  );
});

describe("a record that cannot be read", () => {
  it("means no session, and is kept as it is", async () => {
    const store = memoryStore();
    const manager = new SessionManager({ secretKey: "s", store, sweepEvery: 0 });
    const headers = new Headers();
    const first = manager.requestContext({ headers: new Headers() });
    first.run(() => (session.a = 1));
    await first.save({ headers });
    const cookie = headers.get("Set-Cookie")!.split(";")[0]!;
    const selector = cookie.slice("session=".length, "session=".length + 16);
    const found = await store.read(selector);
    if (found.status !== "ok") throw new Error("the session must be there");
    await store.patch(selector, found.record.verifierHash, { set: new Map([["a", '{" u":"no uuid"}']]) });
    const second = manager.requestContext({ headers: new Headers({ Cookie: cookie }) });
    await second.opening;
    expect(second.run(() => session.size)).toBe(0);
    const kept = await store.read(selector);
    expect(kept.status === "ok" && kept.record.fields.get("a")).toBe('{" u":"no uuid"}');
  });
});
