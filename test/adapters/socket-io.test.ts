import express5, { type RequestHandler } from "express";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { Server, type Socket } from "socket.io";
import { io as connectTo, type Socket as Client } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import type { RequestSession } from "../../src/adapters/express/request-session.ts";
import { sessions as socketSessions, type SocketSession } from "../../src/adapters/socket.ts";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { listen } from "./listen.ts";

const { skip, note, require: packageOf } = ecosystem();
const versions = {
  "Express 5": express5,
  "Express 4": createRequire(import.meta.url)("express4") as typeof express5,
};
/** Socket.IO polls first and then moves to a WebSocket, or starts with one. */
const transports = {
  "polling first": ["polling", "websocket"],
  "WebSocket only": ["websocket"],
  "polling only": ["polling"],
};
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type WithSession = IncomingMessage & {
  session: RequestSession;
  sessionID?: string;
  user?: { username: string };
};

/** What is called of passport here. */
interface Passport {
  session(): RequestHandler;
  deserializeUser(find: (id: string, done: (error: null, user: object) => void) => void): void;
}

/** A shop of pages and sockets. */
async function start(
  mode: "cookie" | "store",
  express: typeof express5,
  prepare: (io: Server, middleware: RequestHandler, manager: SessionManager) => void,
) {
  const store = mode === "store" ? memoryStore() : undefined;
  const manager = new SessionManager({ secretKey: "socket.io", store, storeOptions: { sweepEvery: 0 } });
  const middleware = expressSessions(manager, { onError: () => {} });
  const app = express().use(middleware);
  app.get("/set/:key/:value", (req, res) => {
    req.session[req.params.key] = req.params.value;
    res.end();
  });
  app.get("/passport/:user", (req, res) => {
    req.session.passport = { user: req.params.user };
    res.end();
  });
  app.get("/logout", (_, res) => {
    session.destroy();
    res.end();
  });
  app.get("/", (req, res) => void res.json(req.session));
  const server = createServer(app);
  const io = new Server(server);
  prepare(io, middleware, manager);
  const { port, close } = await listen(server);
  closing.push(
    close,
    () => manager.close(),
    () => io.close(),
  );
  const visitor = new PlainVisitor(`http://127.0.0.1:${port}`);
  return {
    manager,
    visitor,
    port,
    page: async () => JSON.parse((await visitor.get("/")).body) as object,
    connect(ways: string[], headers: Record<string, string> = {}): Client {
      const Cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const options = {
        transports: ways,
        extraHeaders: { Cookie, ...headers },
        reconnection: false,
        forceNew: true,
      };
      const client = connectTo(`http://127.0.0.1:${port}`, options);
      closing.push(async () => client.disconnect());
      return client;
    },
  };
}

const heard = (client: Client, event: string) =>
  new Promise<unknown>((resolve, reject) => {
    client.once(event, resolve);
    if (event !== "connect_error") client.once("connect_error", reject);
  });

for (const [version, express] of Object.entries(versions)) {
  describe(`io.engine.use(sessions(…)) on ${version}`, () => {
    /** What the documentation of Socket.IO tells people to write. */
    const counter = (io: Server, middleware: RequestHandler) => {
      io.engine.use(middleware);
      io.on("connection", (socket: Socket) => {
        const req = socket.request as WithSession;
        socket.emit("hello", req.session.username ?? null);
        socket.on("id", (answer: (id: unknown) => void) =>
          answer([req.session.id ?? null, req.sessionID ?? null]),
        );
        socket.on("count", (answer: (count: unknown) => void) => {
          req.session.reload((error) => {
            if (error) return socket.disconnect();
            req.session.count = (req.session.count ?? 0) + 1;
            req.session.save((failed) => answer(failed ? (failed as Error).name : req.session.count));
          });
        });
        socket.on("count at once", (answer: (count: unknown) => void) => {
          try {
            req.session.count = (req.session.count ?? 0) + 1;
            void req.session.save();
            answer(req.session.count);
          } catch (error) {
            answer((error as Error).name);
          }
        });
      });
    };

    describe.each(Object.entries(transports))("with %s", (_, ways) => {
      it("shares the session of pages with sockets, in a store", async () => {
        const shop = await start("store", express, counter);
        await shop.visitor.get("/set/username/ada");
        const client = shop.connect(ways);
        expect(await heard(client, "hello")).toBe("ada");
        expect(await client.emitWithAck("count")).toBe(1);
        await shop.visitor.get("/set/count/41");
        expect(await client.emitWithAck("count")).toBe("411");
        expect(await client.emitWithAck("count at once")).toBe("4111");
        expect(await client.emitWithAck("count")).toBe("41111");
        expect(await shop.page()).toEqual({ username: "ada", count: "41111" });
        const [id, sessionID] = (await client.emitWithAck("id")) as string[];
        expect([id, sessionID]).toEqual([expect.stringMatching(/^[\w-]{16}$/), id]);
      });

      it("disconnects, as written there, when the session is over", async () => {
        const shop = await start("store", express, counter);
        await shop.visitor.get("/set/username/ada");
        const client = shop.connect(ways);
        await heard(client, "hello");
        await shop.visitor.get("/logout");
        const left = heard(client, "disconnect");
        client.emit("count", () => {});
        expect(await left).toBe("io server disconnect");
      });

      it("ends the session where `socket.request.session` is set to null, and refuses to delete that", async () => {
        const shop = await start("store", express, (io, middleware) => {
          io.engine.use(middleware);
          io.on("connection", (socket: Socket) => {
            const req = socket.request as { session?: unknown };
            socket.on("delete", (answer: (name: string) => void) => {
              try {
                delete req.session;
              } catch (error) {
                answer((error as Error).name);
              }
            });
            socket.on("log out", (answer: () => void) => {
              req.session = null;
              answer();
            });
          });
        });
        await shop.visitor.get("/set/username/ada");
        const client = shop.connect(ways);
        expect(await client.emitWithAck("delete")).toBe("TypeError");
        expect(await shop.page()).toEqual({ username: "ada" });
        await client.emitWithAck("log out");
        expect(await shop.page()).toEqual({});
      });

      it("reads a session in a cookie, and refuses to write to it", async () => {
        const shop = await start("cookie", express, counter);
        await shop.visitor.get("/set/username/ada");
        const client = shop.connect(ways);
        expect(await heard(client, "hello")).toBe("ada");
        expect(await client.emitWithAck("id")).toEqual([null, null]);
        expect(await client.emitWithAck("count at once")).toBe("SessionClosedError");
        expect(await shop.page()).toEqual({ username: "ada" });
      });

      it("is open to visitors without a session, who get none", async () => {
        const shop = await start("store", express, counter);
        const client = shop.connect(ways);
        expect(await heard(client, "hello")).toBeNull();
        expect(await client.emitWithAck("count at once")).toBe(1);
        expect((await shop.visitor.get("/")).body).toBe("{}");
      });
    });

    it("sets no cookie in any answer of Engine.IO", async () => {
      const cookies: unknown[] = [];
      const shop = await start("store", express, (io, middleware) => {
        counter(io, middleware);
        io.engine.on("headers", (headers: Record<string, string>) => cookies.push(headers["Set-Cookie"]));
      });
      await shop.visitor.get("/set/username/ada");
      await shop.visitor.get("/set/_permanent/true");
      const client = shop.connect(["polling", "websocket"]);
      await heard(client, "hello");
      await client.emitWithAck("count");
      expect(cookies.length).toBeGreaterThan(1);
      expect(new Set(cookies)).toEqual(new Set([undefined]));
    });

    it.skipIf(skip)(`knows the person that passport logged in${note}`, async () => {
      const { Passport } = packageOf("passport") as { Passport: new () => Passport };
      const passport = new Passport();
      passport.deserializeUser((username, done) => done(null, { username }));
      const shop = await start("store", express, (io, middleware) => {
        for (const step of [middleware, passport.session()]) {
          // Of all requests of a socket, only the first has no id: that is the one which `socket.request` is.
          io.engine.use((req: { _query: { sid?: string } }, res: never, next: () => void) =>
            req._query.sid === undefined ? step(req as never, res, next) : next(),
          );
        }
        io.on("connection", (socket) => {
          socket.emit("hello", (socket.request as WithSession).user?.username ?? null);
        });
      });
      expect(await heard(shop.connect(["polling"]), "hello")).toBeNull();
      await shop.visitor.get("/passport/ada");
      expect(await heard(shop.connect(["websocket"]), "hello")).toBe("ada");
      expect(await heard(shop.connect(["polling", "websocket"]), "hello")).toBe("ada");
    });
  });

  it(`the middleware of ${version} called with the upgrade of a plain WebSocket gives its session`, async () => {
    const manager = new SessionManager({
      secretKey: "ws",
      store: memoryStore(),
      storeOptions: { sweepEvery: 0 },
    });
    const parser = expressSessions(manager);
    const app = express().use(parser);
    app.get("/", (req, res) => {
      req.session.username ??= "ada";
      res.json(req.session);
    });
    const wss = new WebSocketServer({ noServer: true });
    const server = createServer(app);
    // As in the examples of ws.
    server.on("upgrade", (req, socket, head) => {
      parser(req as never, {} as never, () => {
        if ((req as WithSession).session.username === undefined) {
          socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
          return;
        }
        wss.handleUpgrade(req, socket, head, (ws) => wss.emit("connection", ws, req));
      });
    });
    wss.on("connection", (ws, req) => {
      ws.on("message", async () => {
        const { session: theirs } = req as WithSession;
        theirs.count = (theirs.count ?? 0) + 1;
        await theirs.save();
        ws.send(`${theirs.username} ${theirs.count}`);
      });
    });
    const { port, close } = await listen(server);
    closing.push(close, () => manager.close());
    const open = (headers: Record<string, string>) => {
      const client = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
      closing.push(async () => client.terminate());
      return client;
    };
    const refused = open({});
    expect(
      await new Promise((resolve) => refused.once("error", (error) => resolve(error.message))),
    ).toContain("401");
    const visitor = new PlainVisitor(`http://127.0.0.1:${port}`);
    await visitor.get("/");
    const client = open({ Cookie: `session=${visitor.cookies.get("session")}` });
    const answer = new Promise((resolve) => client.once("message", (data) => resolve(String(data))));
    client.once("open", () => client.send("count"));
    expect(await answer).toBe("ada 1");
    expect(JSON.parse((await visitor.get("/")).body)).toEqual({ username: "ada", count: 1 });
  });
}

describe("hipflask/socket with Socket.IO", () => {
  const chat = (io: Server, _: RequestHandler, manager: SessionManager) => {
    const sockets = socketSessions(manager);
    io.use(async (socket, next) => {
      try {
        const mine = await sockets.fromRequest(socket.request);
        if (mine.username === undefined) return next(new Error("log in first"));
        (socket.data as { session: SocketSession }).session = mine;
        return next();
      } catch (error) {
        return next(error as Error);
      }
    });
    io.on("connection", (socket) => {
      const { session: mine } = socket.data as { session: SocketSession };
      socket.on(
        "disconnect",
        mine.onDestroyed(() => socket.disconnect(true)),
      );
      socket.on("say", async (text: string, answer: (said: unknown) => void) => {
        await mine.reload();
        mine.said = [...(mine.said ?? []), text];
        await mine.save();
        answer(mine.said);
      });
    });
  };

  it.each(Object.entries(transports))("reads, writes and ends with the session, with %s", async (_, ways) => {
    const shop = await start("store", express5, chat);
    await shop.visitor.get("/set/username/ada");
    const client = shop.connect(ways);
    expect(await client.emitWithAck("say", "hello")).toEqual(["hello"]);
    expect(await client.emitWithAck("say", "again")).toEqual(["hello", "again"]);
    expect(await shop.page()).toEqual({ username: "ada", said: ["hello", "again"] });
    const left = heard(client, "disconnect");
    await shop.visitor.get("/logout");
    expect(await left).toBe("io server disconnect");
  });

  it("refuses strangers, and pages of other origins", async () => {
    const shop = await start("store", express5, chat);
    expect(String(await heard(shop.connect(["websocket"]), "connect_error"))).toContain("log in first");
    await shop.visitor.get("/set/username/ada");
    const foreign = shop.connect(["websocket"], { Origin: "https://evil.example" });
    expect(String(await heard(foreign, "connect_error"))).toContain("another origin");
  });
});
