/**
 * Node hands the context of `AsyncLocalStorage` on from whatever calls a callback, and pools, queues and emitters call the
 * callbacks of one request from the code of another:
 *
 * - brianc/node-postgres#2533, brianc/node-pg-pool#108, skonves/express-http-context#15 (mysql)
 * - sindresorhus/p-queue#200, SGrondin/bottleneck#211
 * - expressjs/multer#814 and #1111, fastify/fastify-request-context#153: a parser that loses the context
 *
 * With those pools and queues no response has another visitor's session, and no session is saved with what
 * another visitor's request wrote.
 */
import express5, { type RequestHandler } from "express";
import fastify from "fastify";
import Koa from "koa";
import { AsyncResource } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { getSession, session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen } from "../adapters/listen.ts";
import { PlainVisitor, type PlainResponse } from "../support/plain-visitor.ts";
import { turns } from "../support/turns.ts";
import { type Later, ways } from "./shared-callbacks.ts";

vi.setConfig({ testTimeout: 120_000 });
const closing: (() => Promise<unknown> | unknown)[] = [];
/** What the app was told. */
let told: string[] = [];
const onError = (error: unknown) => void told.push((error as { code?: string }).code ?? String(error));

beforeEach(() => {
  told = [];
  // Where Express and Koa tell of errors that nothing else takes.
  vi.spyOn(console, "error").mockReturnValue();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The routes of an app, in whatever way its framework answers from a callback. */
type Build = (manager: SessionManager, later: Later) => RequestListener | Promise<RequestListener>;

/** Emits "waiting" when a slow request waits for its callback, "called" when that is called, and responds on "release". */
const slow = new EventEmitter();

function slowly(later: Later, answer: () => void): void {
  slow.emit("waiting");
  later(async () => {
    const released = once(slow, "release");
    slow.emit("called");
    await released;
    answer();
  });
}

const nameOf = (from: object) => (from as { username?: string }).username ?? "stranger";

const build = {
  express: (express: typeof express5) => (manager: SessionManager, later: Later) => {
    const visitors = expressSessions(manager, { onError });
    const app = express().use(visitors);
    app.set("env", "production");
    /** A throw in a callback ends a process; here it is an answer. */
    const guarded =
      (handle: (...args: Parameters<RequestHandler>) => unknown): RequestHandler =>
      async (req, res, next) => {
        try {
          await handle(req, res, next);
        } catch (error) {
          next(error);
        }
      };
    app.get("/login/:name", (req, res) => {
      session.username = req.params.name;
      res.send("welcome");
    });
    app.get("/me", (req, res, next) => later(() => guarded(() => res.send(nameOf(session)))(req, res, next)));
    app.get("/me-late", (req, res, next) => {
      const answer = guarded(async () => {
        const name = nameOf(session);
        await turns(30);
        res.send(name);
      });
      later(() => answer(req, res, next));
    });
    app.get("/me-in-parts", (req, res, next) => {
      res.write("");
      later(() => guarded(() => res.end(nameOf(session)))(req, res, next));
    });
    app.get("/me-in-a-header", (req, res, next) =>
      later(() => guarded(() => res.writeHead(200, { "X-Name": nameOf(session) }).end())(req, res, next)),
    );
    app.get("/log-in-later/:name", (req, res, next) => {
      const logIn = guarded(() => {
        session.username = req.params.name as string;
        res.send("welcome");
      });
      later(() => logIn(req, res, next));
    });
    app.get("/slow", (_, res) => slowly(later, () => res.send("slow page")));
    // As one is told to write it instead.
    app.get("/right/request", (req, res) => later(() => res.send(nameOf(req.session))));
    app.get("/right/get", (req, res) => later(() => res.send(nameOf(getSession(req)))));
    app.get("/right/await", async (_, res) => {
      await new Promise<void>((resolve) => later(resolve));
      res.send(nameOf(session));
    });
    app.get("/right/bind", (_, res) => later(AsyncResource.bind(() => void res.send(nameOf(session)))));
    const loses: RequestHandler = (_, __, next) => later(next);
    const name: RequestHandler = async (req, res, next) => {
      await guarded(async () => {
        const mine = nameOf(session);
        await turns(10);
        res.send(mine);
      })(req, res, next);
    };
    app.get("/lost/me", loses, name);
    app.get("/right/again", loses, visitors, name);
    app.get("/untouched", loses, (_, res) => void res.send("the same for all"));
    app.use(((error, _, res, __) => {
      onError(error);
      res.status(500).send((error as { code: string }).code);
    }) satisfies express5.ErrorRequestHandler);
    return app as RequestListener;
  },

  node: (manager: SessionManager, later: Later) =>
    nodeSessions(manager, { onError })((req, res) => {
      const [, path, name] = req.url!.split("/");
      const guarded = (answer: () => void) => () => {
        try {
          answer();
        } catch (error) {
          onError(error);
          res.writeHead(500).end();
        }
      };
      const logIn = () => {
        session.username = name!;
        res.end("welcome");
      };
      if (path === "login") logIn();
      if (path === "me") later(guarded(() => res.end(nameOf(session))));
      if (path === "log-in-later") later(guarded(logIn));
      if (path === "slow") slowly(later, () => res.end("slow page"));
      if (path === "request") later(() => res.end(nameOf(getSession(req))));
      if (path === "bind") later(AsyncResource.bind(() => void res.end(nameOf(session))));
      if (path === "untouched") later(() => res.end("the same for all"));
      if (path !== "await") return;
      const waited = new Promise<void>((resolve) => later(resolve));
      void waited.then(() => res.end(nameOf(session)));
    }),

  koa: (manager: SessionManager, later: Later) => {
    const app = new Koa().use(koaSessions(manager));
    app.on("error", onError);
    app.use(async (ctx) => {
      const [, path, name] = ctx.path.split("/");
      const called = (answer: () => unknown) =>
        new Promise((resolve, reject) => {
          later(() => {
            try {
              resolve(answer());
            } catch (error) {
              reject(error as Error);
            }
          });
        });
      const logIn = () => {
        session.username = name!;
        ctx.body = "welcome";
      };
      if (path === "login") logIn();
      if (path === "me") await called(() => (ctx.body = nameOf(session)));
      if (path === "log-in-later") await called(logIn);
      if (path === "slow") await new Promise<void>((resolve) => slowly(later, resolve));
      if (path === "slow") ctx.body = "slow page";
      if (path === "request") await called(() => (ctx.body = nameOf(ctx.session)));
      if (path === "bind") await called(AsyncResource.bind(() => (ctx.body = nameOf(session))));
      if (path === "untouched") await called(() => (ctx.body = "the same for all"));
      if (path !== "await") return;
      await called(() => {});
      ctx.body = nameOf(session);
    });
    return app.callback();
  },

  fastify: async (manager: SessionManager, later: Later) => {
    const app = fastify({ serverFactory: (handler) => createServer(handler) });
    app.register(fastifySessions(manager, { onError }));
    app.setErrorHandler((error, _, reply) => {
      onError(error);
      return reply.code(500).send();
    });
    app.get("/:path/:name?", (request, reply) => {
      const { path, name } = request.params as { path: string; name: string };
      const guarded = (answer: () => void) => () => {
        try {
          answer();
        } catch (error) {
          reply.send(error);
        }
      };
      const logIn = () => {
        session.username = name;
        reply.send("welcome");
      };
      if (path === "login") logIn();
      if (path === "me") later(guarded(() => reply.send(nameOf(session))));
      if (path === "log-in-later") later(guarded(logIn));
      if (path === "slow") slowly(later, () => reply.send("slow page"));
      if (path === "request") later(() => reply.send(nameOf(request.session)));
      if (path === "bind") later(AsyncResource.bind(() => void reply.send(nameOf(session))));
      if (path === "untouched") later(() => reply.send("the same for all"));
      if (path !== "await") return;
      const waited = new Promise<void>((resolve) => later(resolve));
      void waited.then(() => reply.send(nameOf(session)));
    });
    await app.ready();
    closing.push(() => app.close());
    return (req: IncomingMessage, res: ServerResponse) => app.routing(req, res);
  },
};

const require = createRequire(import.meta.url);
const express4 = require("express4") as typeof express5;

async function start(app: Build, later: Later, store?: ReturnType<typeof memoryStore>) {
  const manager = new SessionManager({ secretKey: "reports", store, storeOptions: { sweepEvery: 0 } });
  const server = await listen(createServer(await app(manager, later)));
  closing.push(server.close, () => manager.close());
  const visitor = () => new PlainVisitor(`http://127.0.0.1:${server.port}`);
  const logIn = async (name: string) => {
    const known = visitor();
    await known.get(`/login/${name}`);
    return { name, get: (path: string) => known.get(path) };
  };
  return { visitor, logIn };
}

/** Sends a request of each visitor at the same time, in three rounds. @returns each response, and the visitor's name */
async function crowd(
  people: readonly { name: string; get(path: string): Promise<PlainResponse> }[],
  path: string,
): Promise<(PlainResponse & { name: string })[]> {
  const answers = [];
  for (let round = 0; round < 3; round++) {
    const all = people.map(async ({ name, get }) => ({ name, ...(await get(path)) }));
    answers.push(...(await Promise.all(all)));
  }
  return answers;
}

const names = Array.from({ length: 12 }, (_, at) => `visitor${at}`);
const isRefusal = ({ status }: PlainResponse) => status === 500;
const errors = ["FOREIGN_CONTEXT", "OUTSIDE_REQUEST"];

const apps = {
  "Express 5": build.express(express5),
  "Express 4": build.express(express4),
  "node:http": build.node,
  Koa: build.koa,
  Fastify: build.fastify,
};
const few = ways.filter(({ name }) => /^(?:a pool of pg|async.queue|an emitter)/.test(name));
const cases = [
  ...ways.map((way) => ["Express 5", way, "cookie"] as const),
  ...(Object.keys(apps) as (keyof typeof apps)[]).flatMap((app) => [
    ...(app === "Express 5" ? [] : few.map((way) => [app, way, "cookie"] as const)),
    ...few.map((way) => [app, way, "store"] as const),
  ]),
].map(([app, way, mode]) => ({ app, way, mode, name: `${way.name}${way.note}` }));

describe.each(cases)("$app, $name, sessions in a $mode", ({ app, way, mode }) => {
  const isExpress = app.startsWith("Express");
  const open = async (most = 2) => {
    const later = await way.start(most);
    closing.push(() => way.end?.());
    return start(apps[app], later, mode === "store" ? memoryStore() : undefined);
  };

  it
    .skipIf(way.skip)
    .each(isExpress ? ["/me", "/me-late", "/me-in-parts", "/me-in-a-header", "/lost/me"] : ["/me"])(
    "never responds with another visitor's session at %s",
    async (path) => {
      const { logIn } = await open();
      const people = await Promise.all(names.map(logIn));
      const answers = await crowd(people, path).catch((error: NodeJS.ErrnoException) => error.code);
      // What had begun to leave can only be cut.
      // oxlint-disable-next-line vitest/no-conditional-expect
      if (!Array.isArray(answers)) return expect([path, answers]).toEqual(["/me-in-parts", "ECONNRESET"]);
      const wrong = answers
        .filter(({ status }) => status === 200)
        .map(({ name, body, headers }) => [name, path === "/me-in-a-header" ? headers["x-name"] : body])
        .filter(([name, shown]) => name !== shown);
      expect(wrong).toEqual([]);
      for (const code of told) expect(errors).toContain(code);
      return expect(answers.filter(isRefusal).length).toBeLessThanOrEqual(told.length);
    },
  );

  it
    .skipIf(way.skip)
    .each(
      isExpress
        ? ["/right/request", "/right/get", "/right/await", "/right/bind", "/right/again", "/untouched"]
        : ["/request", "/await", "/bind", "/untouched"],
    )("responds with the visitor's own session at %s", async (path) => {
    const { logIn } = await open();
    const people = await Promise.all(names.map(logIn));
    for (const { status, body, name } of await crowd(people, path))
      expect([status, body]).toEqual([200, path === "/untouched" ? "the same for all" : name]);
    expect(told).toEqual([]);
  });

  it.skipIf(way.skip)("only logs in the visitor who logs in", async () => {
    const { visitor } = await open(1);
    for (let round = 0; round < 4; round++) {
      const [stranger, bob] = [visitor(), visitor()];
      const [waiting, called] = [once(slow, "waiting"), once(slow, "called")];
      const response = stranger.get("/slow");
      await (round % 2 === 0 ? waiting : called);
      const answer = await bob.get("/log-in-later/bob");
      await called;
      slow.emit("release");
      const page = await response;
      expect(page.setCookie).toEqual([]);
      expect([200, 500]).toContain(page.status);
      // Either he is logged in, or he is told that he is not.
      expect([answer.status, answer.setCookie.length]).toEqual(answer.status === 200 ? [200, 1] : [500, 0]);
    }
    for (const code of told) expect(errors).toContain(code);
  });
});
