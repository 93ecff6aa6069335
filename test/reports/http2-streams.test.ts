/**
 * HTTP/2 has a second way to answer, `res.stream`, and a session is saved before that one too.
 *
 * - expressjs/session#888: session middleware that knows HTTP/1 only
 * - auth0/express-openid-connect#835: the cookie of a session is dropped in silence where headers leave in another way
 * - nodejs/node#16798 and #35302: over HTTP/2 a response that is destroyed looks as if it were whole
 */
import Koa from "koa";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import http2, { type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import expressSession, { MemoryStore } from "../../src/express-session.ts";
import {
  createSession,
  session,
  SessionManager,
  StoreError,
  type SessionInterface,
  type SessionOptions,
} from "../../src/index.ts";
import { listen } from "../adapters/listen.ts";
import { MapStore } from "../support/map-store.ts";
import { afterTurns, turns } from "../support/turns.ts";

const folder = mkdtempSync(join(tmpdir(), "hipflask-streams-"));
const path = join(folder, "page.txt");
const large = "a line that repeats\n".repeat(20_000);
writeFileSync(path, "the page");
afterAll(() => rmSync(folder, { recursive: true }));

type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown;
type Answer = (stream: ServerHttp2Stream, res: Http2ServerResponse) => unknown;
interface Seen {
  readonly status: number;
  readonly body: string;
  readonly headers: http2.IncomingHttpHeaders;
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** @returns asks a server as one visitor who keeps the cookie */
async function serve(handler: Handler): Promise<(method?: string) => Promise<Seen>> {
  const server = await listen(http2.createServer((req, res) => void handler(req, res)));
  const client = http2.connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
  closing.push(() => client.destroy(), server.close);
  let cookie: string | undefined;
  return async (method = "GET") => {
    const stream = client.request({ ":method": method, ...(cookie !== undefined && { cookie }) });
    stream.setTimeout(10_000, () => stream.destroy(new Error("no answer")));
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    cookie = headers["set-cookie"]?.find((line) => !line.startsWith("own="))?.split(";", 1)[0] ?? cookie;
    let body = "";
    for await (const chunk of stream.setEncoding("utf8")) body += chunk;
    return { status: Number(headers[":status"]), body, headers };
  };
}

const slowStore = () => new MapStore(Date.now, () => turns());
const MODES: Record<string, () => SessionOptions> = {
  "in a cookie": () => ({ secretKey: "streams" }),
  "in a slow store": () => ({ secretKey: "streams", store: slowStore() }),
};

interface Way {
  readonly answer: Answer;
  readonly status?: number;
  readonly body?: string;
  /** The header `X-Own`. */
  readonly own?: string;
  readonly ownCookie?: boolean;
}

const WAYS: Record<string, Way> = {
  "respond and end": {
    answer: (stream) => (stream.respond({ ":status": 201, "X-Own": "kept" }), stream.end("the page")),
    status: 201,
    own: "kept",
  },
  "respond with its own cookie": {
    answer: (stream) => (stream.respond({ "set-cookie": ["own=1"] }), stream.end("the page")),
    ownCookie: true,
  },
  "respond of nothing": { answer: (stream) => (stream.respond(), stream.end("the page")) },
  "respond with endStream": {
    answer: (stream) => stream.respond({ ":status": 204 }, { endStream: true }),
    status: 204,
    body: "",
  },
  "respond, and the response's end": {
    answer: (stream, res) => (stream.respond({ ":status": 202 }), res.end("the page")),
    status: 202,
  },
  respondWithFile: { answer: (stream) => stream.respondWithFile(path, { "content-type": "text/plain" }) },
  respondWithFD: {
    answer: (stream) => {
      const fd = openSync(path, "r");
      stream.respondWithFD(fd, { ":status": 203 });
    },
    status: 203,
  },
  "respondWithFile of none": {
    answer: (stream) =>
      stream.respondWithFile(join(folder, "none.txt"), undefined, {
        onError: () => (stream.respond({ ":status": 404 }), stream.end("the page")),
      }),
    status: 404,
  },
  "write and end": { answer: (stream) => (stream.write("the "), stream.end("page")) },
  end: { answer: (stream) => stream.end("the page") },
  "end of nothing": { answer: (stream) => stream.end(), body: "" },
  "a large pipe into the response": {
    answer: (_, res) => void pipeline(Readable.from([large, large]), res).catch(() => {}),
    body: large + large,
  },
  "a large generator into the response": {
    answer: (_, res) =>
      void pipeline(async function* () {
        for (let at = 0; at < 8; at++) yield large.slice(0, large.length / 4);
      }, res).catch(() => {}),
    body: large + large,
  },
  "a large pipe": {
    answer: (stream) => void pipeline(Readable.from([large, large]), stream).catch(() => {}),
    body: large + large,
  },
};

describe.each(Object.entries(MODES))("res.stream, with sessions %s", (_, mode) => {
  const count = () => void (session.visits = Number(session.visits ?? 0) + 1);

  it.each(Object.entries(WAYS))("saves before %s", async (_, way) => {
    const { answer, status = 200, body = "the page", own, ownCookie = false } = way;
    const seen: unknown[] = [];
    const handler = nodeSessions(mode())((_, res) => {
      count();
      seen.push(session.visits);
      const own = res as unknown as Http2ServerResponse;
      answer(own.stream, own);
    });
    const ask = await serve(handler as never);
    for (const visit of [1, 2]) {
      const { headers, ...given } = await ask();
      expect([given.status, given.body === body]).toEqual([status, true]);
      const cookies = headers["set-cookie"] ?? [];
      expect(cookies.filter((line) => line.startsWith("session="))).toHaveLength(
        visit === 1 || mode().store === undefined ? 1 : 0,
      );
      expect(headers.vary).toBe("Cookie");
      expect([headers["x-own"], cookies.includes("own=1")]).toEqual([own, ownCookie]);
    }
    expect(seen).toEqual([1, 2]);
  });

  it("saves before `respond` in a Koa handler that responds directly", async () => {
    const app = new Koa();
    app.use(koaSessions(mode())).use((ctx) => {
      count();
      ctx.respond = false;
      const { stream } = ctx.res as unknown as Http2ServerResponse;
      stream.respond({ ":status": 200 });
      stream.end(`visit ${session.visits}`);
    });
    const ask = await serve(app.callback() as never);
    expect([(await ask()).body, (await ask()).body]).toEqual(["visit 1", "visit 2"]);
  });

  it("lets a head be sent once", async () => {
    const codes: unknown[] = [];
    const handler = nodeSessions(mode())((_, res) => {
      count();
      const { stream } = res as unknown as Http2ServerResponse;
      stream.respond({ ":status": 201 });
      for (const again of [() => stream.respond({ ":status": 500 }), () => stream.respondWithFile(path)]) {
        try {
          again();
        } catch (error) {
          codes.push((error as NodeJS.ErrnoException).code);
        }
      }
      stream.end("first");
    });
    const { status, body } = await (await serve(handler as never))();
    expect([status, body]).toEqual([201, "first"]);
    expect(codes.every((code) => /HEADERS_SENT/.test(String(code)))).toBe(true);
    expect(codes).toHaveLength(2);
  });
});

describe("res.stream", () => {
  it("is answered with an error page where the save fails", async () => {
    const store = slowStore();
    store.insert = () => Promise.reject(new StoreError("unavailable", "down on purpose"));
    const told: unknown[] = [];
    const options = { onError: (error: unknown) => void told.push(error) };
    const manager = new SessionManager({ secretKey: "streams", store });
    for (const { answer } of Object.values(WAYS)) {
      const handler = nodeSessions(
        manager,
        options,
      )((_, res) => {
        session.visits = 1;
        const own = res as unknown as Http2ServerResponse;
        answer(own.stream, own);
      });
      const { status, body, headers } = await (await serve(handler as never))();
      expect([status, body, headers["set-cookie"]]).toEqual([503, "Service Unavailable\n", undefined]);
    }
    expect(told).toHaveLength(Object.keys(WAYS).length);
  });

  it("saves with the drop-in for express-session", async () => {
    const middleware = expressSession({ secret: "streams", resave: false, saveUninitialized: false });
    const ask = await serve((req, res) =>
      middleware(req as never, res as never, () => {
        const data = (req as unknown as { session: { visits?: number } }).session;
        data.visits = (data.visits ?? 0) + 1;
        res.stream.respond({ ":status": 200 });
        res.stream.end(`visit ${data.visits}`);
      }),
    );
    expect([(await ask()).body, (await ask()).body]).toEqual(["visit 1", "visit 2"]);
  });

  it.each<[string, (res: Http2ServerResponse, text: string) => unknown]>([
    ["the response ends", (res, text) => res.end(text)],
    ["its stream ends", (res, text) => res.stream.end(text)],
    ["a pipe ends it", (res, text) => pipeline(Readable.from([text]), res.stream)],
    ["something is written and it ends", (res, text) => (res.stream.write(text), res.stream.end())],
  ])("saves with the drop-in what changes after the head, when %s", async (_, end) => {
    class SlowStore extends MemoryStore {
      override set(...args: Parameters<MemoryStore["set"]>): void {
        void afterTurns(() => super.set(...args));
      }
    }
    const store = new SlowStore();
    const middleware = expressSession({ secret: "streams", resave: false, saveUninitialized: true, store });
    const ask = await serve((req, res) =>
      middleware(req as never, res as never, async () => {
        const data = (req as unknown as { session: { visits?: number } }).session;
        const before = data.visits ?? 0;
        res.stream.respond({ ":status": 200 });
        res.stream.write("visit ");
        await vi.waitFor(() => expect(res.stream.headersSent).toBe(true));
        data.visits = before + 1;
        await end(res, String(data.visits));
      }),
    );
    expect([(await ask()).body, (await ask()).body]).toEqual(["visit 1", "visit 2"]);
  });

  it("is cut where its handler fails after the head", async () => {
    const options = { onError: () => {} };
    const handler = nodeSessions(
      { secretKey: "streams" },
      options,
    )(async (_, res) => {
      res.write("one half");
      await vi.waitFor(() => expect(res.headersSent).toBe(true));
      throw new Error("fails on purpose");
    });
    await expect((await serve(handler as never))()).rejects.toThrow("INTERNAL_ERROR");
  });

  it("is cut where a change after the head cannot be saved", async () => {
    let saves = 0;
    class BrokenStore extends MemoryStore {
      override set(...args: Parameters<MemoryStore["set"]>): void {
        if (saves++ === 0) super.set(...args);
        else args[2]!(new Error("down on purpose"));
      }
    }
    const options = { secret: "streams", resave: false, saveUninitialized: true, store: new BrokenStore() };
    const middleware = expressSession(options);
    const told: unknown[] = [];
    const ask = await serve((req, res) => {
      const next = async (error?: unknown) => {
        if (error !== undefined) return told.push(error);
        res.stream.respond({ ":status": 200 });
        res.stream.write("visit ");
        await vi.waitFor(() => expect(res.stream.headersSent).toBe(true));
        Object.assign((req as unknown as { session: object }).session, { visits: 1 });
        return res.stream.end("1");
      };
      middleware(req as never, res as never, next as never);
    });
    await expect(ask()).rejects.toThrow("INTERNAL_ERROR");
    await vi.waitFor(() => expect(told).toEqual([new Error("down on purpose")]));
  });

  it("carries nothing that was read in another request's context, also after its head", async () => {
    const told: unknown[] = [];
    const waiting: ServerHttp2Stream[] = [];
    const handler = nodeSessions(
      { secretKey: "streams" },
      { onError: (error) => void told.push(error) },
    )((req, res) => {
      const { stream } = res as unknown as Http2ServerResponse;
      if (req.method === "POST") {
        session.name = "bob";
        for (const other of waiting) other.write(`data: ${session.name}\n\n`);
        return res.end("told");
      }
      stream.respond({ "content-type": "text/event-stream" });
      waiting.push(stream);
      return stream.write("data: first\n\n");
    });
    const ask = await serve(handler as never);
    const events = ask();
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    const telling = ask("POST");
    await expect(events).rejects.toThrow("INTERNAL_ERROR");
    expect((await telling).status).toBe(500);
    expect(told.map(String)).toEqual([
      expect.stringMatching(/^ForeignContextError/),
      expect.stringMatching(/^ForeignContextError/),
    ]);
  });

  it("tells of no error when a client goes during the save", async () => {
    const told: unknown[] = [];
    for (const { answer } of Object.values(WAYS)) {
      let saved = (): void => {};
      const saving = new Promise<void>((resolve) => (saved = resolve));
      let began = (): void => {};
      const begun = new Promise<void>((resolve) => (began = resolve));
      const sessionInterface: SessionInterface = {
        openSession: () => createSession(),
        saveSession: () => (began(), saving),
      };
      const went = new Promise<void>((resolve) => {
        const options = { onError: (error: unknown) => void told.push(error) };
        const handler = nodeSessions(
          { sessionInterface },
          options,
        )((_, res) => {
          const own = res as unknown as Http2ServerResponse;
          own.stream.once("close", resolve);
          answer(own.stream, own);
        });
        void serve(handler as never).then(async (ask) => {
          ask().catch(() => {});
          await begun;
          await closing.at(-2)!();
        });
      });
      await went;
      saved();
      await turns();
    }
    expect(told).toEqual([]);
  });

  it("does not answer a client that has gone", async () => {
    const store = slowStore();
    const events = new EventEmitter();
    const [begun, gone] = [once(events, "begun"), once(events, "gone")];
    const handler = nodeSessions({ secretKey: "streams", store })((_, res) => {
      session.visits = 1;
      res.once("close", () => events.emit("gone"));
      events.emit("begun");
    });
    const server = await listen(http2.createServer((req, res) => void handler(req as never, res as never)));
    const client = http2.connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
    closing.push(() => client.destroy(), server.close);
    const stream = client.request().on("error", () => {});
    await begun;
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await gone;
    // As many as several commands of the store take.
    await turns(200);
    expect(store.entries.size).toBe(0);
  });
});
