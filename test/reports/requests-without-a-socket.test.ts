/**
 * A session is found wherever a framework would find the cookie: in environments that make requests without a socket and
 * without `rawHeaders`, and where middleware has set the header.
 *
 * - ttoss/ttoss#1089: serverless-http fills `headers` and leaves `rawHeaders` empty
 * - dougmoscrop/serverless-http#160: API Gateway has cookies in a place of their own
 * - eugef/node-mocks-http#310: `createRequest().rawHeaders` is undefined
 * - expressjs/session#148, #77: a session id that comes in another place, which middleware puts where the session is read
 */
import express from "express";
import fastify from "fastify";
import Koa from "koa";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import { afterEach, describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { sessions as socketSessions } from "../../src/adapters/socket.ts";
import expressSession from "../../src/express-session.ts";
import { session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { inspector, nodeListener } from "../../src/inspector.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen } from "../adapters/listen.ts";
import { ecosystem } from "../support/ecosystem.ts";

const { skip, note, require: packageOf } = ecosystem();
const secretKey = "without a socket";
const onError = (error: unknown): void => {
  throw error;
};

type App = (req: IncomingMessage, res: ServerResponse) => unknown;
type Kind = "hipflask/express" | "hipflask/koa" | "hipflask/node" | "hipflask/express-session";
const KINDS: Kind[] = ["hipflask/express", "hipflask/koa", "hipflask/node", "hipflask/express-session"];
const MODES: Record<string, () => SessionOptions> = {
  "in a cookie": () => ({ secretKey }),
  "in a store": () => ({ secretKey, store: memoryStore() }),
};

/** Counts visits, behind a middleware. */
function appOf(kind: Kind, options: SessionOptions, before: (req: IncomingMessage) => void = () => {}): App {
  const count = (): string => `visit ${(session.visits = ((session.visits as number) ?? 0) + 1)}`;
  if (kind === "hipflask/node") {
    const handler = nodeSessions(options, { onError })((_, res) => res.end(count()));
    return (req, res) => (before(req), handler(req, res));
  }
  if (kind === "hipflask/koa") {
    const app = new Koa();
    app.use((ctx, next) => (before(ctx.req), next()));
    app.use(koaSessions(options)).use((ctx) => void (ctx.body = count()));
    return app.callback();
  }
  const app = express().use((req, _, next) => (before(req), next()));
  if (kind === "hipflask/express") {
    return app.use(expressSessions(options, { onError })).use((_, res) => void res.send(count()));
  }
  app.use(expressSession({ secret: secretKey, resave: false, saveUninitialized: false }));
  return app.use((req, res) => {
    const data = req.session as unknown as { visits?: number };
    res.send(`visit ${(data.visits = (data.visits ?? 0) + 1)}`);
  });
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(app: App): Promise<string> {
  const server = await listen(createServer((req, res) => void app(req, res)));
  closing.push(server.close);
  return `http://127.0.0.1:${server.port}/`;
}

const pairOf = (line: string): string => line.split(";", 1)[0]!;

for (const kind of KINDS) {
  describe.each(Object.entries(MODES))(`${kind}, with sessions %s`, (_, mode) => {
    it.skipIf(skip).each(["headers", "multiValueHeaders", "cookies"])(
      `finds the session behind serverless-http, with the cookie in \`%s\`${note}`,
      async (place) => {
        interface Result {
          body: string;
          multiValueHeaders: Record<string, string[]>;
          cookies?: string[];
        }
        const serverless = packageOf("serverless-http") as (
          app: App,
        ) => (event: object, context: object) => Promise<Result>;
        const call = serverless(appOf(kind, mode()));
        const ask = (cookies: string[]) => {
          const cookie = cookies.join("; ");
          const given = {
            headers: { headers: { host: "example.org", cookie } },
            multiValueHeaders: { multiValueHeaders: { host: ["example.org"], cookie: [cookie] } },
            cookies: { version: "2.0", headers: { host: "example.org" }, cookies },
          }[place]!;
          const http = { method: "GET", path: "/", sourceIp: "127.0.0.1" };
          const event = { httpMethod: "GET", path: "/", rawPath: "/", requestContext: { http }, ...given };
          return call(event, {});
        };
        const { body, cookies, multiValueHeaders } = await ask([]);
        expect(body).toBe("visit 1");
        const [line] = cookies ?? multiValueHeaders["set-cookie"]!;
        expect((await ask(["other=1", pairOf(line!)])).body).toBe("visit 2");
      },
    );

    it.skipIf(skip)(`finds the session in a request of node-mocks-http${note}`, async () => {
      const { createRequest, createResponse } = packageOf("node-mocks-http") as {
        createRequest(options: object): IncomingMessage;
        createResponse(options: object): ServerResponse & { _getData(): string };
      };
      const app = appOf(kind, mode());
      const ask = async (cookie?: string) => {
        const req = createRequest({
          method: "GET",
          url: "/",
          headers: cookie === undefined ? {} : { cookie },
        });
        const res = createResponse({ req, eventEmitter: EventEmitter });
        const end = once(res, "end");
        app(req, res);
        await end;
        return { body: res._getData(), line: [res.getHeader("set-cookie") ?? []].flat()[0] as string };
      };
      const first = await ask();
      expect(first.body).toBe("visit 1");
      expect((await ask(pairOf(first.line))).body).toBe("visit 2");
    });

    it("finds the session in a header that middleware has set, and not in one it has taken away", async () => {
      let cookie: string | undefined;
      const url = await serve(
        appOf(kind, mode(), (req) => {
          if (cookie === "") delete req.headers.cookie;
          else if (cookie !== undefined) req.headers.cookie = cookie;
        }),
      );
      const first = await fetch(url);
      const pair = pairOf(first.headers.getSetCookie()[0]!);
      await first.text();
      cookie = pair;
      expect(await (await fetch(url)).text()).toBe("visit 2");
      cookie = "";
      expect(await (await fetch(url, { headers: { Cookie: pair } })).text()).toBe("visit 1");
    });

    it("finds the session in one of several Cookie lines", async () => {
      const url = await serve(appOf(kind, mode()));
      const first = await fetch(url);
      await first.text();
      const Cookie = ["other=1", pairOf(first.headers.getSetCookie()[0]!), "last=2"];
      const { port } = new URL(url);
      const req = (await import("node:http")).request({ port, host: "127.0.0.1", headers: { Cookie } }).end();
      const [res] = (await once(req, "response")) as [IncomingMessage];
      let body = "";
      for await (const chunk of res.setEncoding("utf8")) body += chunk;
      expect(body).toBe("visit 2");
    });
  });
}

describe("the doors besides", () => {
  it("finds the session of a socket in a header that middleware has set", async () => {
    const manager = new SessionManager({ secretKey, store: memoryStore() });
    const url = await serve(appOf("hipflask/node", manager as never));
    const pair = pairOf((await fetch(url)).headers.getSetCookie()[0]!);
    const request = { headers: { cookie: pair }, method: "GET", url: "/" } as unknown as IncomingMessage;
    expect((await socketSessions(manager).fromRequest(request)).visits).toBe(1);
  });

  it("finds the session of a Fastify request that is injected", async () => {
    const app = fastify();
    await app.register(fastifySessions({ secretKey }));
    app.get("/", () => `visit ${(session.visits = ((session.visits as number) ?? 0) + 1)}`);
    const first = await app.inject("/");
    const cookie = pairOf(String(first.headers["set-cookie"]));
    expect((await app.inject({ url: "/", headers: { cookie } })).body).toBe("visit 2");
    await app.close();
  });

  it("lets the inspector see who asks behind serverless-http, as everything else", async () => {
    const manager = new SessionManager({ secretKey });
    const seen: (string | null)[] = [];
    const page = inspector(manager, {
      authorize: (request) => {
        seen.push(request.headers.get("X-Token"), request.headers.get("Cookie"));
        return false;
      },
    });
    const req = { method: "GET", url: "/", headers: { host: "a", "x-token": "t", cookie: "a=1" } };
    const res = {
      writeHead: () => res,
      end: () => res,
      write: () => true,
      on: () => res,
      setHeader: () => res,
    };
    await nodeListener(page)(Object.assign(new EventEmitter(), req) as never, res as never);
    expect(seen).toEqual(["t", "a=1"]);
  });

  it("finds the session of HTTP/2 in several Cookie fields", async () => {
    const app = appOf("hipflask/node", { secretKey });
    const server = await listen(http2.createServer((req, res) => void app(req as never, res as never)));
    closing.push(server.close);
    const client = http2.connect(`http://127.0.0.1:${server.port}`);
    closing.unshift(() => client.close());
    const ask = async (cookie: string[]) => {
      const stream = client.request({ cookie });
      const [headers] = (await once(stream, "response")) as [Record<string, string[]>];
      let body = "";
      for await (const chunk of stream.setEncoding("utf8")) body += chunk;
      return { body, line: headers["set-cookie"]?.[0] };
    };
    const first = await ask([]);
    expect((await ask(["other=1", pairOf(first.line!)])).body).toBe("visit 2");
  });
});
