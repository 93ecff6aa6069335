/**
 * Proxies and frameworks that send streams of their own, behind `compression()` and a slow store.
 *
 * - senchalabs/connect#541: behind compression a pipe waits for a "drain" that is emitted elsewhere
 * - nestjs/nest#9819: Nest hands a StreamableFile to a pipeline
 */
import express, { type RequestHandler } from "express";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/express.ts";
import expressSession, { MemoryStore } from "../../src/express-session.ts";
import { session, type SessionOptions } from "../../src/index.ts";
import { listen } from "../adapters/listen.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { frameworks } from "../support/frameworks.ts";
import { MapStore } from "../support/map-store.ts";
import { afterTurns, turns } from "../support/turns.ts";

// It has no types of its own.
const compression = createRequire(import.meta.url)("compression") as () => RequestHandler;
const { skip, note, require: packageOf } = ecosystem();
const nest = frameworks();

const SAVE_TURNS = 200;
const textOf = (length: number) => "a line that repeats\n".repeat(length / 20);
const LENGTHS = [9_000, 300_000];

const DOORS: Record<string, () => RequestHandler> = {
  "hipflask/express": () => {
    const store = new MapStore(Date.now, () => turns(SAVE_TURNS));
    return sessions({ secretKey: "others", store } satisfies SessionOptions);
  },
  "hipflask/express-session": () => {
    class SlowStore extends MemoryStore {
      override set(...args: Parameters<MemoryStore["set"]>): void {
        void afterTurns(() => super.set(...args), SAVE_TURNS);
      }
    }
    const options = { secret: "others", resave: true, saveUninitialized: true };
    return expressSession({ ...options, store: new SlowStore() });
  },
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = await listen(createServer(listener));
  closing.push(server.close);
  return `http://127.0.0.1:${server.port}`;
}

/** What comes of each length: how it is encoded, how many cookies come with it, and whether it is whole. */
async function readAll(url: string): Promise<unknown[]> {
  const read = async (length: number) => {
    const response = await fetch(`${url}/${length}`, { signal: AbortSignal.timeout(10_000) });
    const body = await response.text();
    const encoding = response.headers.get("Content-Encoding");
    return [encoding, response.headers.getSetCookie().length, body === textOf(length)];
  };
  return Promise.all(LENGTHS.map(read));
}

const compressed = [expect.stringMatching(/^(?:gzip|br)$/), 1, true];

const see = (req: IncomingMessage & { session?: object }): void => {
  Object.assign(req.session!, { seen: true });
};

describe.each(Object.entries(DOORS))("%s behind compression", (name, door) => {
  it.skipIf(skip)(`hands on all that http-proxy gets${note}`, async () => {
    const target = await serve((req, res) => {
      res.setHeader("Content-Type", "text/plain");
      Readable.from([textOf(Number(req.url!.slice(1)))]).pipe(res);
    });
    const { createProxyServer } = packageOf("http-proxy") as {
      createProxyServer(options: object): { web(req: IncomingMessage, res: ServerResponse): void };
    };
    const proxy = createProxyServer({ target });
    const app = express().use(compression(), door());
    app.use((req, res) => (see(req), proxy.web(req, res)));
    expect(await readAll(await serve(app))).toEqual([compressed, compressed]);
  });

  it.skipIf(nest.skip)(`sends all of Nest's StreamableFile${nest.note}`, async () => {
    const { Controller, Get, Module, Param, Req, StreamableFile } = nest.require("@nestjs/common");
    const { NestFactory } = nest.require("@nestjs/core");
    class Files {
      file(length: string, req: IncomingMessage): unknown {
        if (name === "hipflask/express") session.seen = true;
        else see(req);
        return new StreamableFile(Readable.from([Buffer.from(textOf(Number(length)))]), {
          type: "text/plain",
        });
      }
    }
    // Decorators, called by hand.
    Param("length")(Files.prototype, "file", 0);
    Req()(Files.prototype, "file", 1);
    Get(":length")(Files.prototype, "file", Object.getOwnPropertyDescriptor(Files.prototype, "file"));
    Controller()(Files);
    class Root {}
    Module({ controllers: [Files] })(Root);
    const app = await NestFactory.create(Root, { logger: false });
    app.use(compression(), door());
    await app.listen(0, "127.0.0.1");
    closing.push(() => app.close());
    expect(await readAll(await app.getUrl())).toEqual([compressed, compressed]);
  });
});
