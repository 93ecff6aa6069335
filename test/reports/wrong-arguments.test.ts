/**
 * What Node refuses when it is called, it refuses there with a session too, also when the call has to wait for a store: the
 * handler can catch it, and the visitor gets an answer.
 *
 * - wprl/baucis#212: a status that is none ends the process from inside the session's store
 * - expressjs/session#503: "first argument must be a string or Buffer", thrown after the save
 * - expressjs/express#4148: after `res.status(undefined)` the error handler cannot answer
 * - expressjs/session#766: a second answer throws without the session middleware, and hangs with it
 */
import { createServer, ServerResponse, type RequestListener } from "node:http";
import http2 from "node:http2";
import { afterEach, describe, expect, it } from "vitest";
import express from "express";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import expressSession, { MemoryStore } from "../../src/express-session.ts";
import { createSession, session, type SessionInterface } from "../../src/index.ts";
import { listen } from "../adapters/listen.ts";
import { afterTurns, turns } from "../support/turns.ts";

const slow: SessionInterface = { openSession: () => createSession(), saveSession: () => turns() };
class SlowStore extends MemoryStore {
  override set(...args: Parameters<MemoryStore["set"]>): void {
    void afterTurns(() => super.set(...args));
  }
}

type Handler = (res: ServerResponse) => unknown;
const anything = (value: unknown) => value as never;

/** Calls that Node refuses, or not. */
const CALLS: Record<string, Handler> = {
  "end(42)": (res) => res.end(anything(42)),
  "end(0)": (res) => res.end(anything(0)),
  "end(true)": (res) => res.end(anything(true)),
  "end({})": (res) => res.end(anything({})),
  "end(null)": (res) => res.end(anything(null)),
  "end of a Uint16Array": (res) => res.end(anything(new Uint16Array(2))),
  "end in an encoding": (res) => res.end("fs==", "base64"),
  "write(null)": (res) => res.write(null),
  "write(undefined)": (res) => res.write(undefined),
  "write(4)": (res) => res.write(4),
  "a second write(null)": (res) => (res.write("text"), res.write(null)),
  "an end(42) behind a write": (res) => (res.write("text"), res.end(anything(42))),
  "writeHead(1000)": (res) => res.writeHead(1000),
  "writeHead(99)": (res) => res.writeHead(99),
  "writeHead(undefined)": (res) => res.writeHead(anything(undefined)),
  "writeHead of a text": (res) => res.writeHead(anything("201")).end(),
  "writeHead of a word": (res) => res.writeHead(anything("created")),
  "writeHead with a bad name": (res) => res.writeHead(200, { "two words": "1" }),
  "writeHead with a bad value": (res) => res.writeHead(200, { name: "two\nlines" }),
  "writeHead with no value": (res) => res.writeHead(200, { name: undefined }),
  "writeHead with a bad reason": (res) => res.writeHead(200, "two\nlines"),
  "writeHead with half a pair": (res) => res.writeHead(200, ["name"]),
  "writeHead without a reason": (res) => res.writeHead(200, undefined, { "X-Name": "kept" }).end(),
  "writeHead of two nothings": (res) => res.writeHead(200, anything(null), anything(null)).end(),
  "writeHead behind a write": (res) => (res.write("text"), res.writeHead(404)),
  "an end(42) behind an end": (res) => (res.on("error", () => {}).end("text"), res.end(anything(42))),
  "writeHead behind an end": (res) => (res.end("text"), res.writeHead(500, { "X-Name": "late" })),
  "setHeader behind an end": (res) => (res.end("text"), res.setHeader("X-Name", "late")),
  "statusCode = 1000": (res) => ((res.statusCode = 1000), res.end("text")),
  "statusCode of a word": (res) => ((res.statusCode = anything("created")), res.write("text")),
  "statusCode = undefined": (res) => ((res.statusCode = anything(undefined)), res.end()),
  "statusCode = 1000 behind the head": (res) => (
    res.writeHead(202),
    (res.statusCode = 1000),
    res.end("text")
  ),
  "flushHeaders of no status": (res) => ((res.statusCode = 99), res.flushHeaders()),
  "statusMessage of two lines": (res) => ((res.statusMessage = "two\nlines"), res.end("text")),
};

const DOORS: Record<string, (listener: RequestListener) => RequestListener> = {
  "hipflask/express": (listener) =>
    express()
      .use(expressSessions({ sessionInterface: slow }, { onError: () => {} }))
      .use(listener),
  "hipflask/node": nodeSessions({ sessionInterface: slow }, { onError: () => {} }),
  "hipflask/node without a store": nodeSessions({ secretKey: "arguments" }, { onError: () => {} }),
  "hipflask/express-session": (listener) => {
    const options = { secret: "arguments", resave: true, saveUninitialized: true, store: new SlowStore() };
    return express().use(expressSession(options)).use(listener);
  },
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function ask(listener: RequestListener) {
  const server = await listen(createServer(listener));
  closing.push(server.close);
  const response = await fetch(`http://127.0.0.1:${server.port}`, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, name: response.headers.get("X-Name"), body: await response.text() };
}

/** Answers with the error as a careful handler does. */
function caught(call: Handler, codes: unknown[]): RequestListener {
  return (_, res) => {
    try {
      call(res);
      codes.push("accepted");
      res.end();
    } catch (error) {
      codes.push([(error as Error).name, (error as NodeJS.ErrnoException).code]);
      if (res.headersSent) return void res.end();
      res.statusCode = 400;
      res.statusMessage = "";
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      res.end("caught");
    }
  };
}

describe.each(Object.entries(DOORS))("%s", (_, door) => {
  it.each(Object.entries(CALLS))("does with %s what Node does", async (_, call) => {
    const plainly: unknown[] = [];
    const here: unknown[] = [];
    const answer = await ask(caught(call, plainly));
    expect(await ask(door(caught(call, here)))).toEqual(answer);
    expect(here).toEqual(plainly);
  });

  it.each<[string, Handler]>([
    ["end", (res) => res.end("text", anything("utf9"))],
    ["write", (res) => res.write("text", anything("utf9"))],
  ])(
    "refuses an unknown encoding of %s before the head has left, which Node does too late",
    async (_, call) => {
      const codes: unknown[] = [];
      const { status, body } = await ask(door(caught(call, codes)));
      expect([status, body, ...codes]).toEqual([400, "caught", ["TypeError", "ERR_UNKNOWN_ENCODING"]]);
    },
  );

  it("answers with an error page for what Node refuses to send, which only the sending can tell", async () => {
    const { status } = await ask(
      door((_, res) => void res.setHeader("Trailer", "X-Sum").setHeader("Content-Length", 4).end("text")),
    );
    expect(status).toBe(500);
  });

  it("responds with an error page if it is not caught", async () => {
    const { status } = await ask(door((_, res) => res.end(anything(42))));
    expect(status).toBe(500);
  });
});

describe("HTTP/2", () => {
  it("refuses at the call as well, and answers", async () => {
    const codes: unknown[] = [];
    const calls: ((res: ServerResponse) => unknown)[] = [
      (res) => res.writeHead(1000),
      (res) => res.writeHead(101),
      (res) => res.write(null),
      (res) => res.end(anything(42)),
      (res) => res.end("text", anything("utf9")),
      (res) => res.writeHead(200, { name: undefined }),
    ];
    const withSession = nodeSessions({ sessionInterface: slow }, { onError: () => {} });
    const listener = withSession((_, res) => {
      session.seen = true;
      for (const call of calls) {
        try {
          call(res);
        } catch (error) {
          codes.push((error as NodeJS.ErrnoException).code);
        }
      }
      res.statusCode = 400;
      res.end("caught");
    });
    const server = await listen(http2.createServer(listener as never));
    closing.push(server.close);
    const client = http2.connect(`http://127.0.0.1:${server.port}`);
    const stream = client.request();
    let body = "";
    for await (const chunk of stream.setEncoding("utf8")) body += chunk;
    client.close();
    expect([stream.sentHeaders[":path"], body]).toEqual(["/", "caught"]);
    expect(codes).toHaveLength(calls.length);
  });
});
