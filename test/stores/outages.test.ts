import { createAdaptorServer } from "@hono/node-server";
import express5 from "express";
import fastify from "fastify";
import { H3, redirect, serve as serveH3 } from "h3";
import { Hono } from "hono";
import type { HTTPException } from "hono/http-exception";
import Koa3 from "koa";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sessions as express } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as h3 } from "../../src/adapters/h3.ts";
import { sessions as hono } from "../../src/adapters/hono.ts";
import { sessions as koa } from "../../src/adapters/koa.ts";
import { sessions as node } from "../../src/adapters/node.ts";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore, type FaultyStore } from "../../src/testing.ts";
import { listen, type Listening } from "../adapters/listen.ts";

const require = createRequire(import.meta.url);
const sessionsFor = { express, fastify: fastifySessions, fetch: fetchSessions, h3, hono, koa, node };

// Express tells of every error it answers.
vi.spyOn(console, "error").mockReturnValue();

/** What every app of this test does: visits are counted and redirected, some paths fail after they changed the session. */
function act(path: string): string {
  if (path === "/logout") session.destroy();
  else session.visits = (session.visits ?? 0) + 1;
  if (path !== "/") throw new Error("on purpose");
  return `visit ${session.visits}`;
}

const quiet = { onError: () => {} };
const next = { Location: "/next" };
type Serve = (manager: SessionManager) => Promise<Listening>;

const onExpress =
  (express: typeof express5): Serve =>
  (manager) => {
    const app = express();
    app.set("env", "production");
    app.use(sessionsFor.express(manager, quiet));
    app.use((req, res) => {
      const text = act(req.path);
      res.redirect(302, "/next");
      return text;
    });
    return listen(createServer(app));
  };

const onKoa =
  (Koa: typeof Koa3): Serve =>
  (manager) => {
    const app = new Koa().use(sessionsFor.koa(manager));
    app.silent = true;
    app.use((ctx) => {
      act(ctx.path);
      ctx.redirect("/next");
    });
    return listen(createServer(app.callback()));
  };

const servers: Record<string, Serve> = {
  "hipflask/node": (manager) =>
    listen(
      createServer(
        sessionsFor.node(
          manager,
          quiet,
        )((req, res) => {
          const text = act(req.url!);
          res.writeHead(302, next).end(text);
        }),
      ),
    ),
  "hipflask/fetch": (manager) => {
    const handler = sessionsFor.fetch(
      manager,
      quiet,
    )((request) => new Response(act(new URL(request.url).pathname), { status: 302, headers: next }));
    return listen(createAdaptorServer({ fetch: handler }));
  },
  "hipflask/hono": (manager) => {
    const app = new Hono();
    app.use(sessionsFor.hono(manager));
    app.onError((error, c) =>
      "getResponse" in error ? (error as HTTPException).getResponse() : c.text("Internal Server Error", 500),
    );
    app.get("*", (c) => (act(c.req.path), c.redirect("/next")));
    return listen(createAdaptorServer({ fetch: app.fetch }));
  },
  "hipflask/express on Express 5": onExpress(express5),
  "hipflask/express on Express 4": onExpress(require("express4") as typeof express5),
  "hipflask/koa on Koa 3": onKoa(Koa3),
  "hipflask/koa on Koa 2": onKoa(require("koa2") as typeof Koa3),
  async "hipflask/fastify"(manager) {
    const app = fastify().register(sessionsFor.fastify(manager, quiet));
    app.setErrorHandler((error: { status?: number }, _, reply) =>
      reply.code(error.status ?? 500).send("sorry"),
    );
    app.get("*", (request, reply) => (act(request.url), reply.redirect("/next")));
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    return { port: Number(new URL(address).port), close: () => app.close() };
  },
  async "hipflask/h3"(manager) {
    const app = new H3({ silent: true }).use(sessionsFor.h3(manager));
    app.get("/**", ({ url }) => (act(url.pathname), redirect("/next")));
    const server = await serveH3(app, { port: 0, hostname: "127.0.0.1", silent: true }).ready();
    return { port: Number(new URL(server.url!).port), close: () => server.close(true) };
  },
};

describe.each(Object.entries(servers))("an ill store behind %s", (_, serve) => {
  let store: FaultyStore;
  let server: Awaited<ReturnType<typeof listen>>;
  let manager: SessionManager;

  beforeEach(async () => {
    store = faultyStore(memoryStore());
    manager = new SessionManager({
      secretKey: "s",
      store,
      storeTimeout: 0.05,
      sweepEvery: 0,
    });
    server = await serve(manager);
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
      expect(answer).toMatchObject({ status: 503, cookies: [], location: null });
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
      for (const verb of ["patch", "create"] as const) {
        store.fail(verb, illness);
        const answer = await get(verb === "patch" ? cookie : "");
        expect(answer).toMatchObject({ status: 503, cookies: [], location: null });
        expect(answer.body).not.toMatch(/visit|purpose|demand|driver|StoreError|TypeError|\.ts:/);
        store.recover();
      }
      expect((await get(cookie)).status).toBe(302);
    },
  );
});

describe.each(Object.entries(servers))("a failing handler behind %s", (_, serve) => {
  it("saves nothing that it wrote, and ends what it ended (SEC-18)", async () => {
    const store = memoryStore();
    const manager = new SessionManager({ secretKey: "s", store, sweepEvery: 0 });
    const server = await serve(manager);
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
    const visits = async () => {
      const found = await store.read(selector);
      return found.status === "ok" ? found.record.fields.get("visits") : found.status;
    };
    expect(await get("/throws", cookie)).toEqual({ status: 500, line: "" });
    expect(await visits()).toBe("1");
    const logout = await get("/logout", cookie);
    expect([logout.status, logout.line.includes("Max-Age=0")]).toEqual([500, true]);
    expect(await visits()).toBe("gone");
    await server.close();
  });
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
