/**
 * `sessions` that handles a request twice loses nothing: the same manager opens one session, two cookies hold two sessions, and two
 * managers with one cookie are refused, since the outer one would write its old data over what the inner one has saved.
 *
 * - adarsh-site/BlogLog-gssoc#72: two session middlewares in one app, of which one undoes the other
 * - vapor/vapor#1767: two Set-Cookie lines, because the middleware is applied twice
 * - koajs/session#159: two sessions of one request on purpose
 */
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import { H3, toNodeHandler } from "h3";
import { createApp, defineEventHandler, toNodeListener } from "h3v1";
import { Hono } from "hono";
import Koa from "koa";
import { RouterContextProvider } from "react-router";
import { createServer } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sessions as astroSessions } from "../../src/adapters/astro.ts";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as h3Sessions } from "../../src/adapters/h3.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { sessions as nuxtSessions } from "../../src/adapters/nuxt.ts";
import { sessions as routerSessions } from "../../src/adapters/react-router.ts";
import { sessions as kitSessions } from "../../src/adapters/sveltekit.ts";
import { session, SessionManager } from "../../src/index.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

type Handler = (path: string) => string;
type Serve = (outer: SessionManager, inner: SessionManager, handler: Handler) => Promise<Listening>;

const web = (fetch: (request: Request) => unknown) =>
  listen(createAdaptorServer({ fetch: async (request) => fetch(request) as Response }));
const pathOf = (request: Request) => new URL(request.url).pathname;

const DOORS: Record<string, Serve> = {
  "hipflask/node": (outer, inner, handler) =>
    listen(
      createServer(nodeSessions(outer)(nodeSessions(inner)((req, res) => void res.end(handler(req.url!))))),
    ),
  "hipflask/express": (outer, inner, handler) => {
    const app = express().use(expressSessions(outer)).use(expressSessions(inner));
    return listen(createServer(app.use((req, res) => void res.send(handler(req.path)))));
  },
  "hipflask/koa": (outer, inner, handler) => {
    const app = new Koa({ silent: true } as never).use(koaSessions(outer)).use(koaSessions(inner));
    app.silent = true;
    return listen(createServer(app.use((ctx) => void (ctx.body = handler(ctx.path))).callback()));
  },
  "hipflask/hono": (outer, inner, handler) => {
    const app = new Hono().use(honoSessions(outer)).use(honoSessions(inner));
    return web(app.get("*", (c) => c.text(handler(c.req.path))).fetch);
  },
  "hipflask/h3": (outer, inner, handler) => {
    const app = new H3({ silent: true }).use(h3Sessions(outer)).use(h3Sessions(inner));
    return listen(createServer(toNodeHandler(app.use((event) => handler(event.url.pathname)))));
  },
  "hipflask/nuxt": (outer, inner, handler) => {
    const app = createApp().use(defineEventHandler((event) => handler(event.path)));
    // The plugin that comes last is around the others.
    for (const manager of [inner, outer]) nuxtSessions(manager)({ h3App: app } as never);
    return listen(createServer(toNodeListener(app)));
  },
  "hipflask/fetch": (outer, inner, handler) =>
    web(
      fetchSessions(outer)(
        fetchSessions(inner)((request) => new Response(handler(pathOf(request)))),
      ) as never,
    ),
  "hipflask/react-router": (outer, inner, handler) => {
    const [around, inside] = [routerSessions(outer), routerSessions(inner)];
    return web(async (request) => {
      const args = { request, context: new RouterContextProvider(), params: {} } as never;
      const next = async () => new Response(handler(pathOf(request)));
      try {
        return await around(args, (async () => inside(args, next as never)) as never);
      } catch {
        return new Response(null, { status: 500 });
      }
    });
  },
  "hipflask/sveltekit": (outer, inner, handler) => {
    const [around, inside] = [kitSessions(outer), kitSessions(inner)];
    return web(async (request) => {
      const event = { request, isSubRequest: false, locals: {}, cookies: {} } as never;
      const resolve = () => new Response(handler(pathOf(request)));
      return around({ event, resolve: () => inside({ event, resolve }) });
    });
  },
  "hipflask/astro": (outer, inner, handler) => {
    const [around, inside] = [astroSessions(outer), astroSessions(inner)];
    return web(async (request) => {
      const astro = { request, locals: {}, isPrerendered: false };
      return around(astro, () => inside(astro, async () => new Response(handler(pathOf(request)))));
    });
  },
};

afterEach(() => void vi.restoreAllMocks());

const answer: Handler = (path) => {
  if (path === "/out") session.destroy();
  if (path === "/count") {
    session.permanent = true;
    session.count = (session.count ?? 0) + 1;
  }
  return String(session.count);
};
const options = { secretKey: "used twice" };

describe.each(Object.entries(DOORS))("%s", (_, serve) => {
  async function visits(outer: SessionManager, inner: SessionManager) {
    const server = await serve(outer, inner, answer);
    const visitor = new PlainVisitor(`http://127.0.0.1:${server.port}`);
    const seen: [number, string][] = [];
    for (const path of ["/count", "/count", "/", "/out", "/"]) {
      const { status, body } = await visitor.get(path);
      seen.push([status, body]);
    }
    await visitor.get("/count");
    await server.close();
    return { seen, cookies: [...visitor.cookies.keys()] };
  }
  const counted = ["1", "2", "2", "undefined", "undefined"].map((body) => [200, body]);

  it("opens one session where one manager is used twice", async () => {
    const manager = new SessionManager(options);
    expect(await visits(manager, manager)).toEqual({ seen: counted, cookies: ["session"] });
  });

  it("keeps two sessions apart that have cookies of their own; `session` is the inner one", async () => {
    const [outer, inner] = [new SessionManager(options), new SessionManager({ ...options, cookieName: "b" })];
    expect(await visits(outer, inner)).toEqual({ seen: counted, cookies: ["b"] });
  });

  it("refuses two managers with one cookie", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const { seen, cookies } = await visits(new SessionManager(options), new SessionManager(options));
    expect(seen.map(([status]) => status)).toEqual([500, 500, 500, 500, 500]);
    expect(cookies).toEqual([]);
  });
});
