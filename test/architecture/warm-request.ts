/**
 * What runs for one request when everything is warm: prints the modules of `src` that it calls into and, where a store is
 * written, the stack between `res.end()` and the client. `test/architecture.test.ts` runs it in a process of its own.
 */
import express, { type Express } from "express";
import { once } from "node:events";
import { createServer } from "node:http";
import { Session, type Profiler } from "node:inspector/promises";
import type { AddressInfo } from "node:net";
import { relative, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import { session as dropIn } from "../../src/express-session.ts";
import { session } from "../../src/index.ts";
import { redisStore } from "../../src/stores/redis.ts";

/** What one request runs. */
export interface Warm {
  readonly modules: readonly string[];
  /** From the client up, a frame of `src` each: its file. */
  readonly frames: readonly string[];
}

type Ask = (cookie: string) => Promise<{ cookie: string; close?: () => void }>;

const src = join(import.meta.dirname, "../../src");
const secretKey = "a secret of at least thirty-two bytes";
const inSrc = (url: string) => {
  const path = relative(src, url.startsWith("file:") ? fileURLToPath(url) : url);
  return path.startsWith("..") ? undefined : path;
};

let stack = "";

/** Does to a map what the scripts of the store do to Redis; notes who called. */
function redisLike() {
  const values = new Map<string, string>();
  return {
    get: async (key: string) => values.get(key) ?? null,
    getrange: async (key: string) => values.get(key) ?? "",
    set: async (key: string, value: string) => (values.set(key, value), "OK"),
    del: async (key: string) => Number(values.delete(key)),
    async evalsha(_: string, __: number, key = "", ...[expected, value = ""]: string[]) {
      if (expected === undefined) return [String(Math.floor(Date.now() / 1000)), "0"];
      stack = new Error("a write").stack ?? "";
      if (values.get(key)?.slice(0, 16) !== expected) return values.get(key) ?? null;
      values.set(key, value);
      return "1";
    },
    eval: async () => "1",
  };
}

async function served(app: Express): Promise<{ ask: Ask; close: () => void }> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask: Ask = async (cookie) => {
    const answer = await fetch(url, { headers: { cookie } });
    await answer.text();
    return { cookie: answer.headers.getSetCookie()[0]?.split(";", 1)[0] ?? cookie };
  };
  return { ask, close: () => server.close().closeAllConnections() };
}

const programs: Record<string, () => Promise<{ ask: Ask; close?: () => void }>> = {
  async "Hono, in a cookie"() {
    const app = new Hono().use(honoSessions({ secretKey })).get("/", (c) => {
      session.visits = Number(session.visits ?? 0) + 1;
      return c.text("hello");
    });
    const ask: Ask = async (cookie) => {
      const answer = await app.request("/", { headers: { cookie } });
      return { cookie: answer.headers.getSetCookie()[0]!.split(";", 1)[0]! };
    };
    return { ask };
  },

  "Express, in Redis": () =>
    served(
      express()
        .use(expressSessions({ secretKey, store: redisStore(redisLike()), storeOptions: { sweepEvery: 0 } }))
        .get("/", (_, res) => {
          session.visits = Number(session.visits ?? 0) + 1;
          res.end("hello");
        }),
    ),

  "the drop-in": () =>
    served(
      express()
        .use(dropIn({ secret: secretKey, resave: false, saveUninitialized: false }))
        .get("/", (req, res) => {
          const kept = req.session as unknown as { visits?: number };
          kept.visits = (kept.visits ?? 0) + 1;
          res.end("hello");
        }),
    ),
};

Error.stackTraceLimit = 200;
const inspector = new Session();
inspector.connect();
await inspector.post("Profiler.enable");
await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

async function warm(make: (typeof programs)[string]): Promise<Warm> {
  const { ask, close } = await make();
  let { cookie } = await ask("");
  for (let round = 0; round < 5; round++) ({ cookie } = await ask(cookie));
  stack = "";
  await inspector.post("Profiler.takePreciseCoverage");
  await ask(cookie);
  const { result } = await inspector.post("Profiler.takePreciseCoverage");
  close?.();
  const ran = ({ functions }: Profiler.ScriptCoverage) =>
    functions.some(({ ranges }) => ranges[0]!.count > 0);
  const modules = result.flatMap((script) => (ran(script) ? (inSrc(script.url) ?? []) : []));
  const frames = [...stack.matchAll(/\(?((?:file:\/\/)?\/[^\s():]+):\d+:\d+\)?$/gm)].flatMap(
    ([, url = ""]) => inSrc(url) ?? [],
  );
  return { modules: [...new Set(modules)].toSorted(), frames };
}

const found: Record<string, Warm> = {};
for (const [name, make] of Object.entries(programs)) found[name] = await warm(make);
console.log(JSON.stringify(found));
process.exit();
