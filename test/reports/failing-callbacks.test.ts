/**
 * A callback that only reports cannot end the process, lose the error it was told of, or leave a visitor without an answer.
 *
 * - digitalbazaar/bedrock#44: what an asynchronous listener throws is an unhandled rejection, and not in the logs
 * - expressjs/express#713: what a callback throws ends the process
 */
import express from "express";
import fastify from "fastify";
import { createApp, defineEventHandler, toNodeListener } from "h3v1";
import { createAdaptorServer } from "@hono/node-server";
import Koa from "koa";
import { createServer } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sessions as astroSessions } from "../../src/adapters/astro.ts";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { sessions as nuxtSessions } from "../../src/adapters/nuxt.ts";
import { sessions as kitSessions } from "../../src/adapters/sveltekit.ts";
import {
  CookieTooLargeError,
  createSession,
  session,
  StoreError,
  type SessionInterface,
} from "../../src/index.ts";
import { startSweep } from "../../src/stores/contract.ts";
import { listen, type Listening } from "../adapters/listen.ts";

type OnError = (error: unknown) => unknown;
type Serve = (sessionInterface: SessionInterface, onError: OnError) => Promise<Listening> | Listening;

const web = (fetch: (request: Request) => Promise<Response>) => listen(createAdaptorServer({ fetch }));

const DOORS: Record<string, Serve> = {
  "hipflask/node": (sessionInterface, onError) => {
    const withSession = nodeSessions({ sessionInterface }, { onError });
    return listen(createServer(withSession((_, res) => res.end("saved"))));
  },
  "hipflask/express": (sessionInterface, onError) => {
    const app = express().use(expressSessions({ sessionInterface }, { onError }));
    return listen(createServer(app.use((_, res) => void res.send("saved"))));
  },
  "hipflask/fastify, past Fastify": async (sessionInterface, onError) => {
    const app = fastify();
    app.register(fastifySessions({ sessionInterface }, { onError }));
    app.get("/", (_, reply) => void reply.hijack().raw.end("saved"));
    await app.ready();
    return listen(createServer(app.routing));
  },
  "hipflask/koa, past Koa": (sessionInterface, onError) => {
    const app = new Koa().use(koaSessions({ sessionInterface })).use((ctx) => {
      ctx.respond = false;
      ctx.res.end("saved");
    });
    return listen(createServer(app.on("error", onError).callback()));
  },
  "hipflask/nuxt": (sessionInterface, onError) => {
    const app = createApp().use(defineEventHandler(() => "saved"));
    nuxtSessions({ sessionInterface }, { onError })({ h3App: app } as never);
    return listen(createServer(toNodeListener(app)));
  },
  "hipflask/fetch": (sessionInterface, onError) =>
    web(fetchSessions({ sessionInterface }, { onError })(() => new Response("saved"))),
  "hipflask/astro": (sessionInterface, onError) => {
    const onRequest = astroSessions({ sessionInterface }, { onError });
    const next = async () => new Response("saved");
    return web((request) => onRequest({ request, locals: {}, isPrerendered: false }, next));
  },
  "hipflask/sveltekit": (sessionInterface, onError) => {
    const handle = kitSessions({ sessionInterface }, { onError });
    const resolve = () => new Response("saved");
    return web((request) => {
      return handle({ event: { request, isSubRequest: false, locals: {} }, resolve } as never);
    });
  },
};

const bug = new Error("the log is full");
const CALLBACKS: Record<string, OnError> = {
  "throws another error": () => {
    throw bug;
  },
  "rejects with another error": () => Promise.reject(bug),
};

afterEach(() => void vi.restoreAllMocks());

/** An emitter, as Koa's application is, does not look at the promises of its listeners. */
const rows = Object.entries(DOORS).flatMap(([door, serve]) =>
  Object.entries(CALLBACKS)
    .filter(([way]) => !(door.includes("koa") && way.startsWith("rejects")))
    .map(([way, onError]) => [door, way, serve, onError] as const),
);

describe("onError", () => {
  it.each(rows)("of %s that %s: the visitor is answered, both errors are logged", async (...row) => {
    const [, , serve, onError] = row;
    const down = new StoreError("unavailable", "The store is down.");
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const server = await serve(
      { openSession: () => createSession(), saveSession: () => Promise.reject(down) },
      onError,
    );
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    expect([answer.status, await answer.text()]).toEqual([503, "Service Unavailable\n"]);
    await server.close();
    expect(logged.mock.calls).toEqual([[down, bug]]);
  });
});

it("logs an error once where onError throws what it was given", async () => {
  const logged = vi.spyOn(console, "error").mockReturnValue();
  const failing = fetchSessions(
    { secretKey: "failing" },
    {
      onError: (error) => {
        throw error;
      },
    },
  )(() => {
    throw bug;
  });
  expect((await failing(new Request("http://localhost/"))).status).toBe(500);
  expect(logged.mock.calls).toEqual([[bug]]);
});

describe.each(Object.entries(CALLBACKS))("a callback that %s", (_, callback) => {
  it("changes nothing for a visitor with a bad cookie, or one that is too large", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const handler = fetchSessions({ secretKey: "failing", onRefused: callback, onOversize: callback })(() => {
      session.text = Array.from({ length: 3000 }, (_, at) => at).join();
      return new Response();
    });
    const headers = { cookie: "session=forged" };
    const answer = await handler(new Request("http://localhost/", { headers }));
    expect([answer.status, answer.headers.getSetCookie().length]).toEqual([200, 1]);
    expect(logged.mock.calls).toEqual([
      ["bad_signature", bug],
      [expect.any(CookieTooLargeError), bug],
    ]);
  });

  it("ends no sweep", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const down = new Error("down");
    const sweep = startSweep({ removeExpired: () => Promise.reject(down) }, { every: 10, onError: callback });
    await vi.advanceTimersByTimeAsync(24_000); // two sweeps, whatever the jitter of a fifth
    await sweep.close();
    vi.useRealTimers();
    expect(logged.mock.calls).toEqual([
      [down, bug],
      [down, bug],
    ]);
  });
});
