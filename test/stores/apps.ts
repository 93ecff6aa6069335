import { createAdaptorServer } from "@hono/node-server";
import express5 from "express";
import fastify from "fastify";
import { H3, redirect, serve as serveH3 } from "h3";
import { Hono } from "hono";
import type { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import Koa3 from "koa";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { sessions as express } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as h3 } from "../../src/adapters/h3.ts";
import { sessions as hono } from "../../src/adapters/hono.ts";
import { sessions as koa } from "../../src/adapters/koa.ts";
import { sessions as node } from "../../src/adapters/node.ts";
import type { SessionManager } from "../../src/index.ts";
import { listen, type Listening } from "../adapters/listen.ts";

const require = createRequire(import.meta.url);
const sessionsFor = { express, fastify: fastifySessions, fetch: fetchSessions, h3, hono, koa, node };

const quiet = { onError: () => {} };
const next = { Location: "/next" };

/** What an app does for a path; what it throws is an error. Every answer that is none is a redirect. */
export type Act = (path: string) => string | Promise<string>;
export type Serve = (manager: SessionManager, act: Act) => Promise<Listening>;

const onExpress =
  (express: typeof express5): Serve =>
  (manager, act) => {
    const app = express();
    app.set("env", "production");
    app.use(sessionsFor.express(manager, quiet));
    app.use((req, res, next) => {
      const acting = Promise.resolve(req.path).then(act);
      // Express 4 ignores rejected promises.
      acting.then(() => res.redirect(302, "/next")).then(undefined, next);
    });
    return listen(createServer(app));
  };

const onKoa =
  (Koa: typeof Koa3): Serve =>
  (manager, act) => {
    const app = new Koa().use(sessionsFor.koa(manager));
    app.silent = true;
    app.use(async (ctx) => {
      await act(ctx.path);
      ctx.redirect("/next");
    });
    return listen(createServer(app.callback()));
  };

/** The same app on each framework, with sessions. */
export const apps: Record<string, Serve> = {
  "hipflask/node": (manager, act) =>
    listen(
      createServer(
        sessionsFor.node(
          manager,
          quiet,
        )(async (req, res) => {
          const text = await act(req.url!);
          res.writeHead(302, next).end(text);
        }),
      ),
    ),
  "hipflask/fetch": (manager, act) => {
    const handler = sessionsFor.fetch(
      manager,
      quiet,
    )(
      async (request) =>
        new Response(await act(new URL(request.url).pathname), { status: 302, headers: next }),
    );
    return listen(createAdaptorServer({ fetch: handler }));
  },
  "hipflask/hono": (manager, act) => {
    const app = new Hono();
    app.use(sessionsFor.hono(manager));
    app.onError((error, c) => {
      if ("getResponse" in error) return (error as HTTPException).getResponse();
      return c.text("sorry", (error as { status?: ContentfulStatusCode }).status ?? 500);
    });
    app.get("*", async (c) => (await act(c.req.path), c.redirect("/next")));
    return listen(createAdaptorServer({ fetch: app.fetch }));
  },
  "hipflask/express on Express 5": onExpress(express5),
  "hipflask/express on Express 4": onExpress(require("express4") as typeof express5),
  "hipflask/koa on Koa 3": onKoa(Koa3),
  "hipflask/koa on Koa 2": onKoa(require("koa2") as typeof Koa3),
  async "hipflask/fastify"(manager, act) {
    const app = fastify().register(sessionsFor.fastify(manager, quiet));
    app.setErrorHandler((error: { status?: number }, _, reply) =>
      reply.code(error.status ?? 500).send("sorry"),
    );
    app.get("*", async (request, reply) => (await act(request.url), reply.redirect("/next")));
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    return { port: Number(new URL(address).port), close: () => app.close() };
  },
  async "hipflask/h3"(manager, act) {
    const app = new H3({ silent: true }).use(sessionsFor.h3(manager));
    app.get("/**", async ({ url }) => (await act(url.pathname), redirect("/next")));
    const server = await serveH3(app, { port: 0, hostname: "127.0.0.1", silent: true }).ready();
    return { port: Number(new URL(server.url!).port), close: () => server.close(true) };
  },
};
