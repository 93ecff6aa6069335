import express, { type RequestHandler } from "express";
import fastify, { type FastifyPluginCallback } from "fastify";
import { H3, useSession } from "h3";
import { toNodeHandler } from "h3/node";
import { Hono } from "hono";
import { setSignedCookie } from "hono/cookie";
import { getRequestListener } from "@hono/node-server";
import Koa, { type Middleware } from "koa";
import { existsSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createCookieSessionStorage } from "react-router";
import sodium from "sodium-native";
import * as accepts from "../../src/accepts.ts";

/** An app on another library, whose every request logs ada in; and the reader for those who move away from it. */
export interface OldApp {
  readonly server: Server;
  readonly reader: accepts.AcceptedCookie;
  /** What the session holds, as hipflask has it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Whether its cookie outlives the browser. */
  readonly permanent: boolean;
}

const isInstalled = existsSync(join(import.meta.dirname, "node_modules"));
const require = createRequire(import.meta.url);
/** For packages that are installed here and not at the root, where types are checked. */
const load = async <Module>(name: string): Promise<Module> => (await import(name)) as Module;

export const peers = {
  skip: !isInstalled && !process.env["CI"],
  note: isInstalled ? "" : " (skipped: `npm ci` in test/peers installs what they need)",
};

const data = { username: "ada", cart: [{ item: "tea", price: 1.5 }] };
const password = "a password of the old application, long enough";
const onNode = (listener: RequestListener) => createServer(listener);

/** Sessions that are objects, as most have them. */
type Holder = { session: object };
const logIn = (holder: Holder) => void Object.assign(holder.session, data);

/** By the name of the library; each begins anew. */
export const oldApps: Readonly<Record<string, () => Promise<OldApp>>> = {
  async "express-session"() {
    type Session = { (options: object): RequestHandler; MemoryStore: new () => accepts.OldStore };
    const session = require("express-session") as Session;
    const store = new session.MemoryStore();
    const cookie = { maxAge: 3_600_000 };
    const app = express().use(
      session({ secret: password, store, cookie, resave: false, saveUninitialized: false }),
    );
    app.use((req, res) => (logIn(req as unknown as Holder), void res.end("ok")));
    return {
      server: onNode(app),
      reader: accepts.expressSession({ secret: password, store }),
      data,
      permanent: true,
    };
  },

  async "cookie-session"() {
    const session = require("cookie-session") as (options: object) => RequestHandler;
    const app = express().use(session({ keys: [password] }));
    app.use((req, res) => (logIn(req as unknown as Holder), void res.end("ok")));
    return {
      server: onNode(app),
      reader: accepts.cookieSession({ keys: [password] }),
      data,
      permanent: false,
    };
  },

  async "koa-session"() {
    const { default: session } = await load<{ default: (options: object, app: Koa) => Middleware }>(
      "koa-session",
    );
    const app = new Koa();
    app.keys = [password];
    app.use(session({}, app));
    app.use((ctx) => (logIn(ctx as unknown as Holder), void (ctx.body = "ok")));
    return {
      server: onNode(app.callback()),
      reader: accepts.koaSession({ keys: [password] }),
      data,
      permanent: true,
    };
  },

  "iron-session 8": () => ironSession("iron-session8"),
  "iron-session 9": () => ironSession("iron-session"),

  async "@fastify/session"() {
    type Plugin = FastifyPluginCallback & {
      MemoryStore: new (map: Map<string, unknown>) => accepts.OldStore;
    };
    const plugin = require("@fastify/session") as Plugin;
    const store = new plugin.MemoryStore(new Map());
    const app = fastify();
    app.register(require("@fastify/cookie") as FastifyPluginCallback);
    app.register(plugin, { secret: password, store, cookie: { secure: false } } as object);
    app.all("*", (request) => (logIn(request as unknown as Holder), "ok"));
    await app.ready();
    return {
      server: app.server,
      reader: accepts.fastifySession({ secret: password, store }),
      data,
      permanent: false,
    };
  },

  async "@fastify/secure-session"() {
    const key = Buffer.alloc(32, 7);
    const app = fastify();
    app.register(require("@fastify/secure-session") as FastifyPluginCallback, { key } as object);
    app.all("*", (request) => (logIn(request as unknown as Holder), "ok"));
    await app.ready();
    return {
      server: app.server,
      reader: accepts.fastifySecureSession({ sodium, key }),
      data,
      permanent: false,
    };
  },

  async "h3 2"() {
    const app = new H3().all("/**", async (event) => {
      const session = await useSession(event, { password, maxAge: 3600 });
      await session.update(data);
      return "ok";
    });
    return {
      server: onNode(toNodeHandler(app) as RequestListener),
      reader: accepts.h3Session({ password, maxAge: 3600 }),
      data,
      permanent: true,
    };
  },

  async "React Router 7"() {
    const { getSession, commitSession } = createCookieSessionStorage({
      cookie: { name: "__session", secrets: [password] },
    });
    const respond = async (): Promise<Response> => {
      const session = await getSession();
      for (const [key, value] of Object.entries(data)) session.set(key, value);
      return new Response("ok", { headers: { "Set-Cookie": await commitSession(session) } });
    };
    return {
      server: onNode(getRequestListener(respond)),
      reader: accepts.reactRouter({ secrets: [password] }),
      data,
      permanent: false,
    };
  },

  async "Hono's signed cookie"() {
    const app = new Hono().all("*", async (c) => {
      await setSignedCookie(c, "user", "ada", password);
      return c.text("ok");
    });
    return {
      server: onNode(getRequestListener(app.fetch)),
      reader: accepts.honoSignedCookie({ cookieName: "user", secret: password, as: "username" }),
      data: { username: "ada" },
      permanent: false,
    };
  },
};

async function ironSession(name: string): Promise<OldApp> {
  type Saved = object & { save(): Promise<void> };
  const { getIronSession } = await load<{
    getIronSession(req: unknown, res: unknown, options: object): Promise<Saved>;
  }>(name);
  const options = { cookieName: "app_session", password };
  return {
    server: onNode(async (req, res) => {
      const session = await getIronSession(req, res, options);
      await Object.assign(session, data).save();
      res.end("ok");
    }),
    reader: accepts.ironSession(options),
    data,
    permanent: true,
  };
}
