/**
 * Every answer comes, and comes whole, whatever writes it and whatever stands before or behind the session middleware, while
 * a store is slow.
 *
 * - senchalabs/connect#541, restify/node-restify#360: behind compression a pipe waits for a "drain" that is emitted elsewhere
 * - gustavnikolaj/hijackresponse#10: a wrapper of `write` with backpressure hangs beside compression
 * - QwikDev/qwik#8620: a writer that waits for the callback of `write`
 * - expressjs/compression#135: what becomes of "drain" listeners that compression moves
 */
import express, { type Request, type RequestHandler, type Response } from "express";
import { once } from "node:events";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type RequestListener, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import expressSession, { MemoryStore } from "../../src/express-session.ts";
import { createSession, type SessionInterface, type SessionOptions } from "../../src/index.ts";
import { listen } from "../adapters/listen.ts";
import { afterTurns, turns } from "../support/turns.ts";

// It has no types of its own.
const compression = createRequire(import.meta.url)("compression") as () => RequestHandler;

const folder = mkdtempSync(join(tmpdir(), "hipflask-answers-"));
const SMALL = 9_000;
/** More than is kept for a save, and no whole number of chunks. */
const LARGE = 300_001;
const textOf = (length: number) => "a line that repeats\n".repeat(length / 20 + 1).slice(0, length);
for (const length of [SMALL, LARGE]) writeFileSync(join(folder, `${length}.txt`), textOf(length));
afterAll(() => rmSync(folder, { recursive: true }));

/** Long enough for any file to be read until its writer has to wait. */
const SAVE_TURNS = 200;
const slow: SessionInterface = { openSession: () => createSession(), saveSession: () => turns(SAVE_TURNS) };
const broken: SessionInterface = {
  ...slow,
  async saveSession() {
    await turns(SAVE_TURNS);
    throw new Error("refused on purpose");
  },
};

class SlowStore extends MemoryStore {
  override set(...args: Parameters<MemoryStore["set"]>): void {
    void afterTurns(() => super.set(...args), SAVE_TURNS);
  }
}

type Next = () => void;
const nodeSessionsOf = (options: SessionOptions): RequestHandler => {
  const withSession = nodeSessions(options);
  return (req, res, next) => withSession(() => void (next as Next)())(req, res);
};
const DOORS: Record<string, () => RequestHandler> = {
  "hipflask/express": () => expressSessions({ sessionInterface: slow }),
  "hipflask/node": () => nodeSessionsOf({ sessionInterface: slow }),
  "hipflask/express-session": () => {
    const secret = "answers";
    return expressSession({ secret, resave: true, saveUninitialized: true, store: new SlowStore() });
  },
};

/** Moves listeners elsewhere with every method there is, and calls them when it is full itself. */
const redirecting: RequestHandler = (_, res, next) => {
  const listeners = new Set<() => void>();
  const { write } = res;
  for (const name of ["on", "once", "addListener"] as const) {
    const given = res[name];
    res[name] = ((event: string, listener: () => void) => {
      if (event === "drain") listeners.add(listener);
      else Reflect.apply(given, res, [event, listener]);
      return res;
    }) as typeof given;
  }
  res.write = ((...args: unknown[]) => {
    const isFine = Reflect.apply(write, res, args) as boolean;
    if (!isFine) setImmediate(() => listeners.forEach((listener) => listener()));
    return isFine;
  }) as typeof write;
  next();
};

const AROUND: Record<string, (sessions: RequestHandler) => RequestHandler[]> = {
  nothing: (sessions) => [sessions],
  "compression before it": (sessions) => [compression(), sessions],
  "compression behind it": (sessions) => [sessions, compression()],
  "compression on both sides": (sessions) => [compression(), sessions, compression()],
  "compression before and a second session behind": (sessions) => [
    compression(),
    sessions,
    nodeSessionsOf({ sessionInterface: slow }),
  ],
  "a layer that redirects every listener": (sessions) => [redirecting, sessions],
};

function* chunksOf(length: number): Generator<Buffer> {
  const text = Buffer.from(textOf(length));
  for (let at = 0; at < length; at += 40_000) yield text.subarray(at, at + 40_000);
}

/** How people send a body in pieces. */
const WAYS: Record<string, (req: Request, res: Response, length: number) => unknown> = {
  static: (req, res) => express.static(folder)(req, res, () => res.status(404).end()),
  sendFile: (_, res, length) => res.sendFile(join(folder, `${length}.txt`)),
  pipe: (_, res, length) => createReadStream(join(folder, `${length}.txt`)).pipe(res),
  "pipeline of a stream": (_, res, length) => pipeline(Readable.from(chunksOf(length)), res),
  // Listens for "drain" before it writes anything.
  "pipeline of a generator": (_, res, length) =>
    pipeline(async function* () {
      yield* chunksOf(length);
    }, res),
  // As well, and asks `writableNeedDrain`.
  "a web stream": (_, res, length) =>
    (Readable.toWeb(Readable.from(chunksOf(length))) as ReadableStream).pipeTo(Writable.toWeb(res)),
  "once(drain)": async (_, res, length) => {
    for (const chunk of chunksOf(length)) if (!res.write(chunk)) await once(res, "drain");
    res.end();
  },
  writableNeedDrain: async (_, res, length) => {
    for (const chunk of chunksOf(length)) {
      if (res.writableNeedDrain) await once(res, "drain");
      res.write(chunk);
    }
    res.end();
  },
  "the head by itself": (_, res, length) => {
    res.writeHead(200, { "X-Head": "sent" }).flushHeaders();
    createReadStream(join(folder, `${length}.txt`)).pipe(res);
  },
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = await listen(createServer(listener));
  closing.push(server.close);
  return `http://127.0.0.1:${server.port}`;
}

const signal = () => AbortSignal.timeout(10_000);

for (const [door, sessions] of Object.entries(DOORS)) {
  describe.each(Object.entries(AROUND))(`${door} with %s`, (_, around) => {
    it.each(Object.entries(WAYS))("sends all of what comes by %s", async (_, way) => {
      const app = express().use(...around(sessions()));
      app.get("/:length.txt", (req, res, next) => {
        res.type("text");
        void Promise.resolve(way(req, res, Number(req.params.length))).then(undefined, next);
      });
      const url = await serve(app);
      const check = async (length: number) => {
        const response = await fetch(`${url}/${length}.txt`, { signal: signal() });
        expect((await response.text()) === textOf(length)).toBe(true);
      };
      const checkHead = async (length: number) => {
        const { status } = await fetch(`${url}/${length}.txt`, { method: "HEAD", signal: signal() });
        expect(status).toBe(200);
      };
      await Promise.all([SMALL, LARGE].flatMap((length) => [check(length), checkHead(length)]));
    });
  });
}

describe.each(Object.entries(DOORS))("a stream of events through %s", (_, sessions) => {
  it.each([
    ["before", (door: RequestHandler) => [compression(), door]],
    ["behind", (door: RequestHandler) => [door, compression()]],
  ] as const)("comes event by event with compression %s it", async (_, around) => {
    let next = (): void => {};
    const seen = new Promise<void>((resolve) => (next = resolve));
    const app = express().use(...around(sessions()));
    app.get("/", async (_, res) => {
      const { flush } = res as unknown as { flush(): void };
      res.type("text/event-stream").flushHeaders();
      res.write("data: first\n\n");
      flush.call(res);
      // A second one would push the first out of what compresses.
      await seen;
      res.end("data: last\n\n");
    });
    const { body } = await fetch(await serve(app), { signal: signal() });
    let text = "";
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text === "data: first\n\n") next();
    }
    expect(text).toBe("data: first\n\ndata: last\n\n");
  });

  it.each<[string, (res: Response) => unknown]>([
    ["flushHeaders", (res) => res.flushHeaders()],
    ["writeHead and flushHeaders", (res) => res.writeHead(200).flushHeaders()],
  ])("sends its head alone by %s", async (_, send) => {
    let next = (): void => {};
    const seen = new Promise<void>((resolve) => (next = resolve));
    const app = express().use(sessions());
    app.get("/", async (_, res) => {
      send(res);
      await seen;
      res.end("the body");
    });
    const response = await fetch(await serve(app), { signal: signal() });
    next();
    expect(await response.text()).toBe("the body");
  });
});

describe("a writer who waits", () => {
  const callbacks = (res: ServerResponse) => {
    const told: unknown[] = [];
    const write = (text: string) =>
      new Promise<void>((resolve) => {
        res.write(text, (error) => {
          told.push(error ? (error as NodeJS.ErrnoException).code : "written");
          resolve();
        });
      });
    return { told, write };
  };

  it("for the callback of `write` is called back", async () => {
    const url = await serve(
      nodeSessions({ sessionInterface: slow })(async (_, res) => {
        const { told, write } = callbacks(res);
        await write("one, ");
        await write("two, ");
        res.end(told.join());
      }),
    );
    expect(await (await fetch(url, { signal: signal() })).text()).toBe("one, two, written,written");
  });

  it("calls back the writer when the save fails", async () => {
    const ends: unknown[] = [];
    const url = await serve(
      nodeSessions(
        { sessionInterface: broken },
        { onError: () => {} },
      )(async (_, res) => {
        const { told, write } = callbacks(res);
        await write(textOf(LARGE));
        await pipeline(Readable.from(chunksOf(LARGE)), res).catch(() => {});
        await new Promise<void>((resolve) => {
          res.end("never sent", () => resolve());
        });
        ends.push(...told);
      }),
    );
    const response = await fetch(url, { signal: signal() });
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
    await expect.poll(() => ends).toEqual(["ERR_STREAM_DESTROYED"]);
  });

  it("for the end of a response that was ended before is called back", async () => {
    let isTold = false;
    const url = await serve(
      nodeSessions({ sessionInterface: slow })((_, res) => {
        res.end("the answer");
        res.end(() => (isTold = true));
      }),
    );
    expect(await (await fetch(url, { signal: signal() })).text()).toBe("the answer");
    await expect.poll(() => isTold).toBe(true);
  });

  it("can ask the response, which says so until it goes on", async () => {
    const asked: unknown[] = [];
    const url = await serve(
      nodeSessions({ sessionInterface: slow })(async (_, res) => {
        asked.push(res.writableNeedDrain, res.write("little"), res.writableNeedDrain);
        const drained = once(res, "drain");
        asked.push(res.write(textOf(LARGE)), res.writableNeedDrain);
        await drained;
        asked.push(res.writableNeedDrain);
        res.end();
      }),
    );
    await (await fetch(url, { signal: signal() })).text();
    expect(asked).toEqual([false, true, false, false, true, false]);
  });

  it("writes no more into memory than a few chunks while a store does not answer", async () => {
    let written = 0;
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const never: SessionInterface = { ...slow, saveSession: () => answered };
    const source = new Readable({
      read() {
        written += 10_000;
        this.push(Buffer.alloc(10_000));
      },
    });
    const url = await serve((req, res) =>
      compression()(req as Request, res as Response, () =>
        nodeSessions({ sessionInterface: never })((_, held) => source.pipe(held))(req, res),
      ),
    );
    const asked = request(url)
      .on("error", () => {})
      .end();
    await expect.poll(() => written).toBeGreaterThan(64 * 1024);
    const before = written;
    await turns(SAVE_TURNS);
    expect([written - before, written < 300_000]).toEqual([0, true]);
    asked.destroy();
    answer();
  });
});
