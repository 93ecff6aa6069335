import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createClient } from "@redis/client";
import express, { type ErrorRequestHandler } from "express";
import fastify, { type FastifyInstance } from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { Pool } from "pg";
import { describe, expect, it } from "vitest";
import * as onAstro from "../src/adapters/astro.ts";
import * as onExpress from "../src/adapters/express.ts";
import * as onFastify from "../src/adapters/fastify.ts";
import * as onFetch from "../src/adapters/fetch.ts";
import * as onH3 from "../src/adapters/h3.ts";
import * as onHono from "../src/adapters/hono.ts";
import * as onKoa from "../src/adapters/koa.ts";
import * as onNode from "../src/adapters/node.ts";
import * as onNuxt from "../src/adapters/nuxt.ts";
import * as onReactRouter from "../src/adapters/react-router.ts";
import * as onSocket from "../src/adapters/socket.ts";
import * as onSvelteKit from "../src/adapters/sveltekit.ts";
import { HipflaskError } from "../src/errors.ts";
import dropIn from "../src/express-session.ts";
import { createSession, getSession, session, SessionManager } from "../src/index.ts";
import { storeFromUrl } from "../src/stores/from-url.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { listen } from "./adapters/listen.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
const secretKey = "a secret for the first hour, long enough";
/** What is written without types, or against them. */
const loose = <Value>(value: Value): never => value as never;
const manager = (options: unknown) => () => new SessionManager(loose(options));

type Case = [what: string, work: () => unknown, code: string, ...said: (string | RegExp)[]];

/** Options of other libraries, and values of another kind. */
const misread: [what: string, options: object, ...said: string[]][] = [
  ["unset of express-session", { unset: "destroy" }, "session.destroy()"],
  ["genid of express-session", { genid: () => "a" }, "Write nothing"],
  ["proxy of express-session", { proxy: true }, 'cookieSecure: "auto"'],
  ["resave of express-session", { resave: false }, "only what changed"],
  ["cookie of express-session", { cookie: { maxAge: 1 } }, "cookieSecure"],
  ["signed of koa-session", { signed: true }, "always signed"],
  ["a setting of Flask", { SECRET_KEY: secretKey }, "optionsFromFlask("],
  ["an option of the store's group", { idleTimeout: 5 }, "storeOptions: { idleTimeout: … }"],
  ["a duration as a text", { lifetime: "7d" }, "a number of seconds", "a string"],
  ["sameSite none without secure", { cookieSameSite: "None" }, "cookieSecure: true"],
  ["a string for a flag", { cookieSecure: "true" }, '"auto"'],
  ["a URL for a domain", { cookieDomain: "https://a.example" }, '"example.com"'],
  ["a path without its slash", { cookiePath: "shop" }, 'must begin with "/"', '"/shop"'],
  ["a list for a key", { secretKey: [secretKey] }, "not a list"],
  ["a string for fallbacks", { secretKeyFallbacks: "old" }, "a list of secrets"],
];

const atTheStart: Case[] = [
  [
    "no options",
    manager(undefined),
    "CONFIG",
    "got undefined",
    "sessions({ secretKey: process.env.SECRET_KEY })",
  ],
  ["null", manager(null), "CONFIG", "got null"],
  ["the secret alone", manager(secretKey), "CONFIG", "got a string", "sessions({ secretKey:"],
  ["a promise of options", manager(Promise.resolve({ secretKey })), "CONFIG", "got a promise: await it"],
  [
    "an option of another library",
    manager({ secret: "a" }),
    "CONFIG",
    'no option "secret"',
    "Write secretKey",
  ],
  ["a typo", manager({ secretKey, cookieSecur: true }), "CONFIG", 'Did you mean "cookieSecure"?'],
  ["milliseconds", manager({ secretKey, lifetime: 2_678_400_000 }), "CONFIG", "write 2678400."],
  [
    "no key",
    manager({}),
    "NO_SECRET_KEY",
    "undefined",
    "process.env.SECRET_KEY",
    "npx hipflask keygen",
    "--env-file",
  ],
  ["a variable that is not set", manager({ secretKey: undefined }), "NO_SECRET_KEY", "undefined", "keygen"],
  ["an empty key", manager({ secretKey: "" }), "NO_SECRET_KEY", "is empty", "keygen"],
  ["a number for a key", manager({ secretKey: 42 }), "CONFIG", "of type number"],
  [
    "a store that was not awaited",
    manager({ store: storeFromUrl("memory:") }),
    "CONFIG",
    "got a promise",
    "await it",
  ],
  [
    "a URL for a store",
    manager({ store: "redis://:pa55@127.0.0.1" }),
    "CONFIG",
    "the string of a URL",
    "await storeFromUrl(",
  ],
  [
    "a store that was not made",
    manager({ store: memoryStore }),
    "CONFIG",
    "the function memoryStore itself",
    "call it",
  ],
  ["a client for a store", manager({ store: createClient() }), "CONFIG", "redisStore(client)"],
  ["something else for a store", manager({ store: {} }), "CONFIG", "an object", "memoryStore()"],
  [
    "a class for an interface",
    manager({ secretKey, sessionInterface: class {} }),
    "CONFIG",
    "make one with new",
    "openSession",
  ],
  ["an object for a codec", manager({ secretKey, codec: {} }), "CONFIG", "an object", "encode and decode"],
  ["JSON for the serializer", manager({ secretKey, json: JSON }), "CONFIG", "TaggedJSONSerializer"],
  [
    "one reader for a list",
    manager({ secretKey, accepts: { decode() {} } }),
    "CONFIG",
    "as in [ironSession(",
  ],
  ["a reader that was not made", manager({ secretKey, accepts: [() => 1] }), "CONFIG", "call it"],
  ["no client of Redis", () => redisStore(loose(undefined)), "CONFIG", "redisStore"],
  ["a client that was never connected", () => redisStore(createClient()), "CONFIG", "await client.connect()"],
  ["a URL for a client of Redis", () => redisStore(loose("redis://:pa55@127.0.0.1")), "CONFIG", "redisStore"],
  ["a path for the URL of a store", () => storeFromUrl("sessions.db"), "CONFIG", "sqlite:"],
  [
    "a typo in the URL of a store",
    () => storeFromUrl("postgress://a:pa55@b/c"),
    "CONFIG",
    "postgress:",
    "postgres:",
  ],
  [
    "a user in the URL of a file",
    () => storeFromUrl("sqlite://user:pa55@host/app.db"),
    "CONFIG",
    "no user, password, host",
    "sqlite:sessions.db",
  ],
  [
    "a password with a slash there",
    () => storeFromUrl("sqlite://user:pa55/x@host/app.db"),
    "CONFIG",
    "no user, password, host",
  ],
  ["a port in the URL of a file", () => storeFromUrl("sqlite://host:5432/app"), "CONFIG", "names a file"],
  [
    "a folder that is not there",
    async () => (await storeFromUrl("sqlite:/none/a.db")).read("a"),
    "STORE",
    "/none/a.db",
    "Make the folder",
  ],
  ...misread.map(([what, options, ...said]): Case => [
    what,
    manager({ secretKey, ...options }),
    "CONFIG",
    ...said,
  ]),
  ...Object.entries({
    onAstro,
    onExpress,
    onFastify,
    onFetch,
    onH3,
    onHono,
    onKoa,
    onNode,
    onNuxt,
    onReactRouter,
    onSvelteKit,
  }).map(([name, { sessions }]): Case => [
    `no options ${name}`,
    () => sessions(loose(undefined)),
    "CONFIG",
    "got undefined",
    "sessions({ secretKey:",
  ]),
];

const inAHandler: Case[] = (
  [
    [
      "destroy with a callback",
      (session) => session.destroy(() => {}),
      "CONFIG",
      "session.destroy()",
      "no callback",
    ],
    ["regenerate with a callback", (session) => session.regenerate(() => {}), "CONFIG", "no callback"],
    [
      "regenerate with a bare list",
      (session) => session.regenerate(["a"]),
      "CONFIG",
      '{ keep: ["cart"] }',
      "a list",
    ],
    [
      "regenerate with a key for keys",
      (session) => session.regenerate({ keep: "a" }),
      "CONFIG",
      "of type string",
    ],
    [
      "update with a text",
      (session) => session.update("a"),
      "CONFIG",
      "session.update({ username",
      "of type string",
    ],
    ["delete without a key", (session) => session.delete(), "CONFIG", "session.destroy() ends the session"],
    ["delete with a list", (session) => session.delete(["a"]), "CONFIG", 'session.delete("cart")', "a list"],
    ["pop without a key", (session) => session.pop(), "CONFIG", 'session.pop("cart")', "of type undefined"],
    ["clear with a key", (session) => session.clear("a"), "CONFIG", "session.clear()", "of type string"],
    ["clear with a callback", (session) => session.clear(() => {}), "CONFIG", "no callback"],
    ["update with null", (session) => session.update(null), "CONFIG", "null"],
    ["set with an object", (session) => session.set({ a: 1 }), "UNSERIALIZABLE", "session.update({ … })"],
    [
      "set with no key",
      (session) => session.set(undefined, 1),
      "UNSERIALIZABLE",
      'session.set("username", value)',
    ],
    ["set with a number", (session) => session.set(42, 1), "UNSERIALIZABLE", "must be a string"],
    ["transact with a value", (session) => session.transact("a", 1), "CONFIG", "(count)", "of type number"],
    [
      "an instance",
      (session) => (session.a = new (class User {})()),
      "UNSERIALIZABLE",
      '"User"',
      "a plain object",
      "(at a)",
    ],
    ["a function", (session) => (session.a = () => 1), "UNSERIALIZABLE", "A function", "(at a)"],
    ["a Map", (session) => (session.a = new Map()), "UNSERIALIZABLE", "Object.fromEntries(map)"],
    ["a Set", (session) => (session.a = new Set()), "UNSERIALIZABLE", "an array of its items"],
    ["a promise", (session) => (session.a = Promise.resolve(1)), "UNSERIALIZABLE", "Await it first"],
    ["undefined inside", (session) => (session.a = { b: undefined }), "UNSERIALIZABLE", "Use null"],
    ["a cycle", (session) => (session.a = cycle()), "UNSERIALIZABLE", "contains itself", "inside a"],
    ["a method's name", (session) => (session.get = 1), "RESERVED_NAME", 'session.set("get", value)'],
    ["an owner without a store", (session) => (session.owner = "ada"), "CONFIG", "pass a `store`"],
  ] satisfies [string, (session: any) => unknown, ...string[]][]
).map(([what, work, code, ...said]): Case => [what, () => work(createSession({ a: 1 })), code!, ...said]);

function cycle(): object {
  const value: Record<string, unknown> = {};
  return Object.assign(value, { value });
}

const withStore = new SessionManager({ secretKey, store: memoryStore() });
const ofTheManager: Case[] = [
  [
    "list without an owner",
    () => withStore.list(loose(undefined)),
    "CONFIG",
    "String(user.id)",
    "it was undefined",
  ],
  ["list of null, as owner of a stranger", () => withStore.list(loose(null)), "CONFIG", "it was null"],
  ["list of a person", () => withStore.list(loose({ id: 1 })), "CONFIG", "of type object"],
  ["destroyAll without an owner", () => withStore.destroyAll(loose(undefined)), "CONFIG", "it was undefined"],
  [
    "destroyAll of a forgotten id",
    () => withStore.destroyAll(String(undefined)),
    "CONFIG",
    'string "undefined"',
  ],
  ["destroy of nothing", () => withStore.destroy(loose(undefined)), "CONFIG", "manager.destroy(selector)"],
  ["list without a store", () => new SessionManager({ secretKey }).list("ada"), "CONFIG", "needs a `store`"],
];

const outside: Case[] = [
  ["in a unit test", () => session.username, "OUTSIDE_REQUEST", "sessionTransaction", "hipflask/testing"],
  ["a write", () => (session.username = "ada"), "OUTSIDE_REQUEST", "sessionTransaction"],
  ["a request of another server", () => getSession({}), "OUTSIDE_REQUEST", "`sessions({ … })`"],
];

const firstWrite = (store: unknown) => async () => {
  const context = new SessionManager({ secretKey, store: loose(store) }).requestContext({
    headers: new Headers(),
  });
  await context.opening;
  context.session.username = "ada";
  await context.save({ headers: new Headers() });
};
const noTable = {
  query: () =>
    Promise.reject(
      Object.assign(new Error('relation "hipflask_sessions" does not exist'), { code: "42P01" }),
    ),
};
const unreachable = new Pool({ host: "127.0.0.1", port: 1 });

const ofStores: Case[] = [
  [
    "no migrate()",
    firstWrite(postgresStore(loose(noTable))),
    "STORE",
    "PostgreSQL",
    '"now"',
    "await store.migrate()",
  ],
  [
    "no server",
    firstWrite(postgresStore(unreachable)),
    "STORE",
    "PostgreSQL at 127.0.0.1:1",
    '"now"',
    "Start the server there",
  ],
];

const misplaced: Case[] = (() => {
  const options = { secretKey };
  const context = { req: { raw: new Request("http://a/") }, json: () => 1 };
  const hono = onHono.sessions(options) as (...given: unknown[]) => unknown;
  const express = onExpress.sessions(options) as (...given: unknown[]) => unknown;
  const next = () => {};
  const response = { setHeader() {} };
  return [
    // Fastify calls plugins where nothing catches: it ends the process with this message.
    [
      "Fastify's that was not called",
      () => onFastify.sessions(loose(fastify())),
      "CONFIG",
      "`sessions` itself was passed",
    ],
    [
      "SvelteKit's that was not called",
      () => onSvelteKit.sessions(loose({ event: {}, resolve() {} })),
      "CONFIG",
      "`sessions` itself was passed",
    ],
    [
      "Express's in Hono",
      () => express(context, next),
      "CONFIG",
      "hipflask/express",
      "Hono",
      "hipflask/hono",
    ],
    ["Express's in node:http", () => express({ headers: {} }, response), "CONFIG", "hipflask/node"],
    ["Hono's in Express", () => hono({ headers: {} }, response, next), "CONFIG", "hipflask/express"],
    [
      "Fetch's without a handler",
      () => onFetch.sessions(options)(loose(new Request("http://a/"))),
      "CONFIG",
      "new Response(",
    ],
    [
      "Node's without a handler",
      () => onNode.sessions(options)(loose({ headers: {} }), loose(response)),
      "CONFIG",
      "createServer(",
    ],
    [
      "React Router's in Express",
      () => onReactRouter.sessions(options)(loose({ headers: {} }), loose(response)),
      "CONFIG",
      "export const middleware",
    ],
    [
      "SvelteKit's in Hono",
      () => (onSvelteKit.sessions(options) as typeof hono)(context, next),
      "CONFIG",
      "hipflask/hono",
    ],
    [
      "Nuxt's in server/middleware",
      () => onNuxt.sessions(options)(loose({ node: {}, context: {} })),
      "CONFIG",
      "server/plugins",
    ],
    [
      "Fastify's in its own hook",
      () => onFastify.sessions(options)(loose({ raw: {} }), loose({}), () => {}),
      "CONFIG",
      "app.register(",
    ],
    [
      "h3 2's in h3 1",
      () => onH3.sessions(options)(loose({ node: {}, context: {} }), loose(undefined)),
      "CONFIG",
      "hipflask/nuxt",
    ],
  ];
})();

/** What a hook behind `sessions` forgot to return. */
const withoutResponse: Case[] = (() => {
  const options = { secretKey };
  const request = () => new Request("http://a/", { headers: { accept: "*/*" } });
  const nothing = async () => loose(undefined);
  const event = { request: request(), isSubRequest: false, locals: {} as never, cookies: { set() {} } };
  const said = ["needs a Response", "which returned undefined", "Is a `return` missing"];
  return [
    [
      "in SvelteKit",
      () => onSvelteKit.sessions(options)({ event, resolve: nothing }),
      "CONFIG",
      "hipflask/sveltekit",
      ...said,
    ],
    [
      "in Astro",
      () => onAstro.sessions(options)(loose({ request: request(), locals: {} }), nothing),
      "CONFIG",
      "hipflask/astro",
      ...said,
    ],
  ];
})();

const ofSockets: Case[] = (
  [
    ["nothing", undefined],
    ["the socket", { send() {}, on() {} }],
  ] as const
).map(([what, given]): Case => [
  `fromRequest with ${what}`,
  () => onSocket.sessions({ secretKey }).fromRequest(loose(given)),
  "CONFIG",
  "`socket.request` of Socket.IO",
  "has no headers",
]);

async function thrownBy(work: () => unknown): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown.");
}

const optionsOfDropIn = { secret: secretKey, resave: false, saveUninitialized: false };

async function serverOfFastify(set: (app: FastifyInstance) => unknown, heard: (error: unknown) => void) {
  const app = fastify();
  set(app);
  app.get("/a", () => "a");
  app.setErrorHandler((error, _request, reply) => (heard(error), reply.code(500).send("")));
  await app.ready();
  return app.server;
}

function serverOfHono(app: Hono, heard: (error: unknown) => void): Server {
  app.onError((error, c) => (heard(error), c.text("", 500)));
  return createServer(getRequestListener(app.fetch));
}

/** Apps in which what is wrong is seen when a request comes: the page, and what was logged or handed to an error handler. */
const apps: [
  what: string,
  serve: (heard: (error: unknown) => void) => Server | Promise<Server>,
  ...said: string[],
][] = [
  [
    "a route before sessions() in Express",
    (heard) =>
      createServer(
        express()
          .get("/", (_, res) => void res.send(session.username))
          .use(onExpress.sessions({ secretKey }))
          .use(heardBy(heard)),
      ),
    "`session` only works",
    "put `sessions({ … })` before it",
  ],
  [
    "a route before sessions() in Hono",
    (heard) => {
      const app = new Hono()
        .get("/", (c) => c.text(String(session.username)))
        .use(onHono.sessions({ secretKey }));
      return serverOfHono(app, heard);
    },
    "put `sessions({ … })` before it",
  ],
  [
    "sessions that was not called in Express",
    (heard) => createServer(express().use(loose(onExpress.sessions)).use(heardBy(heard))),
    "`sessions` itself was passed",
    "sessions({ secretKey:",
  ],
  [
    "sessions that was not called in Hono",
    (heard) => {
      const app = new Hono().use(loose(onHono.sessions));
      return serverOfHono(app, heard);
    },
    "`sessions` itself was passed",
  ],
  [
    "sessions that was not called in Koa",
    (heard) => {
      const app = new Koa();
      app.use(loose(onKoa.sessions)).on("error", heard);
      return createServer(app.callback());
    },
    "`sessions` itself was passed",
  ],
  [
    "sessions that was not called in h3",
    (heard) =>
      createServer(
        getRequestListener(new H3({ silent: true, onError: heard }).use(loose(onH3.sessions)).fetch),
      ),
    "`sessions` itself was passed",
  ],
  [
    "sessions twice in Hono",
    (heard) => {
      const app = new Hono()
        .use(onHono.sessions({ secretKey }))
        .use(onHono.sessions({ secretKey }))
        .get("/", (c) => c.text("a"));
      return serverOfHono(app, heard);
    },
    'both with the cookie "session"',
  ],
  [
    "Express's sessions in Hono",
    (heard) => {
      const app = new Hono().use(loose(onExpress.sessions({ secretKey })));
      return serverOfHono(app, heard);
    },
    "For Hono, import `sessions` from hipflask/hono",
  ],
  [
    "Express's sessions in Koa",
    (heard) => {
      const app = new Koa();
      app.use(loose(onExpress.sessions({ secretKey }))).on("error", heard);
      return createServer(app.callback());
    },
    "For Koa, import `sessions` from hipflask/koa",
  ],
  [
    "Hono's sessions in Express",
    (heard) =>
      createServer(
        express()
          .use(loose(onHono.sessions({ secretKey })))
          .use(heardBy(heard)),
      ),
    "For Express, import `sessions` from hipflask/express",
  ],
  [
    "Koa's sessions in Express",
    (heard) =>
      createServer(
        express()
          .use(loose(onKoa.sessions({ secretKey })))
          .use(heardBy(heard)),
      ),
    "For Express, import `sessions` from hipflask/express",
  ],
  [
    "the sessions of node:http in Express",
    (heard) =>
      createServer(
        express()
          .use(loose(onNode.sessions({ secretKey })))
          .use(heardBy(heard)),
      ),
    "For Express, import `sessions` from hipflask/express",
  ],
  [
    "h3's sessions in Hono",
    (heard) => {
      const app = new Hono().use(loose(onH3.sessions({ secretKey })));
      return serverOfHono(app, heard);
    },
    "For Hono, import `sessions` from hipflask/hono",
  ],
  [
    "Hono's sessions in h3",
    (heard) =>
      createServer(
        getRequestListener(
          new H3({ silent: true, onError: heard }).use(loose(onHono.sessions({ secretKey }))).fetch,
        ),
      ),
    "For h3 2, import `sessions` from hipflask/h3",
  ],
  [
    "h3's sessions as a route of h3",
    (heard) =>
      createServer(
        getRequestListener(
          new H3({ silent: true, onError: heard }).get("/", loose(onH3.sessions({ secretKey }))).fetch,
        ),
      ),
    "what h3 2 passes",
    "app.use(sessions({ … }))",
  ],
  ...Object.entries({ "the sessions of node:http": onNode, "the sessions of fetch": onFetch }).flatMap(
    ([whose, { sessions }]): typeof apps => {
      const around = () => loose(sessions({ secretKey })(loose(() => new Response("hello"))));
      return [
        [
          `${whose} around a handler of Koa`,
          (heard) => {
            const app = new Koa();
            app.use(around()).on("error", heard);
            return createServer(app.callback());
          },
          "For Koa, import `sessions` from hipflask/koa",
        ],
        [
          `${whose} around a handler of h3`,
          (heard) =>
            createServer(
              getRequestListener(new H3({ silent: true, onError: heard }).get("/", around()).fetch),
            ),
          "For h3 2, import `sessions` from hipflask/h3",
        ],
        [
          `${whose} around a handler of Hono`,
          (heard) => {
            const app = new Hono().get("/", around());
            return serverOfHono(app, heard);
          },
          "For Hono, import `sessions` from hipflask/hono",
        ],
        [
          `${whose} around a handler of Fastify`,
          (heard) => serverOfFastify((app) => app.get("/", around()), heard),
          "For Fastify, import `sessions` from hipflask/fastify",
        ],
      ];
    },
  ),
  [
    "the sessions of fetch around a handler of Express",
    (heard) =>
      createServer(
        express()
          .get("/", loose(onFetch.sessions({ secretKey })(() => new Response("hello"))))
          .use(heardBy(heard)),
      ),
    "For Express, import `sessions` from hipflask/express",
  ],
  [
    "Express's sessions as a hook of Fastify",
    (heard) =>
      serverOfFastify((app) => app.addHook("onRequest", loose(onExpress.sessions({ secretKey }))), heard),
    "For Fastify, import `sessions` from hipflask/fastify",
  ],
  [
    "Fastify's sessions as a hook",
    (heard) =>
      serverOfFastify((app) => app.addHook("onRequest", loose(onFastify.sessions({ secretKey }))), heard),
    "what Fastify passes",
    "app.register(sessions({ … }))",
  ],
  [
    "the drop-in as a hook of Fastify",
    (heard) => serverOfFastify((app) => app.addHook("onRequest", loose(dropIn(optionsOfDropIn))), heard),
    "`session` of hipflask/express-session was called with what Fastify passes",
  ],
  [
    "the drop-in in Koa",
    (heard) => {
      const app = new Koa();
      app.use(loose(dropIn(optionsOfDropIn))).on("error", heard);
      return createServer(app.callback());
    },
    "For Koa, import `sessions` from hipflask/koa",
  ],
];

function heardBy(heard: (error: unknown) => void): ErrorRequestHandler {
  // Express knows it by its four parameters.
  return (error, _req, res, _next) => {
    heard(error);
    res.status(500).end();
  };
}

describe("errors of the first hour, at the first request", () => {
  it.each(apps)("%s", async (_what, serve, ...said) => {
    const heard: unknown[] = [];
    const server = await serve((error) => heard.push((error as Error).cause ?? error));
    const { port, close } = await listen(server);
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await close();
    expect(heard).toEqual([expect.any(HipflaskError)]);
    for (const part of said) expect((heard[0] as Error).message).toContain(part);
  });

  it("Express's sessions in Fastify", async () => {
    const app = fastify();
    app.register(loose(onExpress.sessions({ secretKey })));
    await expect(async () => app.ready()).rejects.toThrow(
      "For Fastify, import `sessions` from hipflask/fastify",
    );
  });

  it("the drop-in in Fastify", async () => {
    const app = fastify();
    app.register(loose(dropIn(optionsOfDropIn)));
    await expect(async () => app.ready()).rejects.toThrow(
      "For Fastify, import `sessions` from hipflask/fastify",
    );
  });

  it("sessions twice in Fastify", async () => {
    const app = fastify();
    app.register(onFastify.sessions({ secretKey })).register(onFastify.sessions({ secretKey }));
    await expect(async () => app.ready()).rejects.toThrow("registered twice, or another plugin");
  });

  it.each([
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["a text", "hello", "of type string"],
    ["an object", { a: 1 }, "of type object"],
  ])("a fetch handler that returns %s", async (_what, returned, said) => {
    const heard: unknown[] = [];
    const withSession = onFetch.sessions({ secretKey }, { onError: (error) => heard.push(error) });
    const answer = await withSession(() => loose(returned))(new Request("http://a/"));
    expect(answer.status).toBe(500);
    expect(heard).toEqual([expect.any(HipflaskError)]);
    expect((heard[0] as Error).message).toContain("needs a Response");
    expect((heard[0] as Error).message).toContain(`which returned ${said}.`);
  });

  it("a store of hipflask in the drop-in for express-session", () => {
    expect(() => dropIn({ ...optionsOfDropIn, store: loose(memoryStore()) })).toThrow(
      "goes into `sessions` of hipflask/express",
    );
  });
});

const all = Object.entries({
  "at the start": atTheStart,
  "in a handler": inAHandler,
  "of the manager": ofTheManager,
  "outside of a request": outside,
  "of a store": ofStores,
  "of another framework": misplaced,
  "of sockets": ofSockets,
  "without a response": withoutResponse,
});

describe.each(all)("errors of the first hour, %s", (_, cases) => {
  it.each(cases)("%s", async (_what, work, code, ...said) => {
    const error = await thrownBy(work);
    expect(error).toBeInstanceOf(HipflaskError);
    expect(error).toMatchObject({ code });
    for (const part of said) expect(error.message).toMatch(part);
    expect(error.message).not.toMatch(/pa55|first hour/);
    const [, file, anchor] =
      /See https:\/\/github\.com\/hipflask\/hipflask\/blob\/main\/(\S+)#(\S+)$/.exec(error.message) ?? [];
    expect([file, anchor]).toEqual(["docs/troubleshooting.md", code.toLowerCase()]);
    expect(page).toContain(`<a id="${anchor}"></a>\n`);
  });
});
