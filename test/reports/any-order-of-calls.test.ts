/**
 * Whatever a handler calls on a response, and in whatever order: the visitor gets the answer, and the handler the errors, that
 * plain Node would give, though a slow store makes all of it wait.
 *
 * - expressjs/session#766: calls behind the end throw without the session middleware, and hang with it
 */
import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { createSession, type SessionInterface } from "../../src/index.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { turns } from "../support/turns.ts";

const CALLS: Record<string, (res: ServerResponse) => unknown> = {
  'writeHead(404, {"x-a": "1"})': (res) => res.writeHead(404, { "x-a": "1" }),
  'writeHead(202, "Fine", {"x-b": "2"})': (res) => res.writeHead(202, "Fine", { "x-b": "2" }),
  'write("a")': (res) => res.write("a"),
  'write("6263", "hex")': (res) => res.write("6263", "hex"),
  'write("")': (res) => res.write(""),
  "write of a Buffer": (res) => res.write(Buffer.from("d")),
  "write(5)": (res) => res.write(5),
  "end()": (res) => res.end(),
  'end("e")': (res) => res.end("e"),
  "end(7)": (res) => res.end(7 as never),
  "flushHeaders()": (res) => res.flushHeaders(),
  'setHeader("x-c", "3")': (res) => res.setHeader("x-c", "3"),
  'appendHeader("x-c", "4")': (res) => res.appendHeader("x-c", "4"),
  'removeHeader("x-c")': (res) => res.removeHeader("x-c"),
  "statusCode = 418": (res) => (res.statusCode = 418),
  'cork(), write("f"), uncork()': (res) => (res.cork(), res.write("f"), res.uncork()),
  "a turn of the event loop": () => turns(1),
  "until it is saved": () => turns(20),
};

let order: string[] = [];
let errors: string[] = [];
let done: () => void;

const handler = async (res: ServerResponse): Promise<void> => {
  // Node tells of writes behind the end here; what waits for a save drops them.
  res.on("error", () => {});
  for (const name of order) {
    try {
      const result = CALLS[name]!(res);
      if (result instanceof Promise) await result;
    } catch (error) {
      errors.push(`${name}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
  res.end();
  done();
};

const slow: SessionInterface = { openSession: () => createSession(), saveSession: () => turns(5) };
const listener: RequestListener = (_, res) => void handler(res);
let plain: Listening;
let held: Listening;
beforeAll(async () => {
  plain = await listen(createServer(listener));
  held = await listen(createServer(sessions({ sessionInterface: slow })(listener)));
});
afterAll(async () => {
  await plain.close();
  await held.close();
});

async function ask({ port }: Listening) {
  errors = [];
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const response = await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(10_000) });
  const { status, statusText, headers } = response;
  const own = ["x-a", "x-b", "x-c"].map((name) => headers.get(name));
  const body = await response.text();
  await isDone;
  return { status, statusText, own, body, errors };
}

it("answers as Node does", async () => {
  await assert(
    asyncProperty(array(constantFrom(...Object.keys(CALLS)), { maxLength: 7 }), async (given) => {
      order = given;
      expect(await ask(held)).toEqual(await ask(plain));
    }),
    { numRuns: 150 },
  );
});
