import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import {
  ForeignOriginError,
  sessions,
  type SocketOptions,
  type SocketSession,
} from "../../src/adapters/socket.ts";
import {
  ConfigError,
  getSession,
  ReservedNameError,
  session,
  SessionClosedError,
  SessionLostError,
  SessionManager,
  type SessionOptions,
  StoreError,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { listen } from "./listen.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server with pages and sockets, and one visitor of it. */
interface Shop {
  readonly manager: SessionManager;
  readonly port: number;
  readonly ada: PlainVisitor;
  /** One request of a visitor's. */
  visit<Seen>(handler: () => Seen, by?: PlainVisitor): Promise<Awaited<Seen>>;
  /** Opens a socket as a visitor. */
  connect(by?: PlainVisitor, headers?: Record<string, string>): Promise<Connected>;
}

interface Connected {
  readonly client: WebSocket;
  readonly server: WebSocket;
  readonly session: SocketSession;
  readonly request: IncomingMessage;
  /** Header lines of the answer to the handshake. */
  readonly answer: IncomingMessage;
}

async function open(options: SessionOptions, socketOptions?: SocketOptions): Promise<Shop> {
  const manager = new SessionManager({
    secretKey: "sockets",
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  const sockets = sessions(manager, socketOptions);
  const wss = new WebSocketServer({ noServer: true });
  let handler: () => unknown = () => {};
  let connected: (given: Omit<Connected, "client" | "answer">) => void = () => {};
  const server = createServer(
    nodeSessions(manager)(async (_, res) => {
      await handler();
      res.end();
    }),
  );
  server.on("upgrade", (request, socket, head) => {
    sockets.fromRequest(request).then(
      (given) =>
        wss.handleUpgrade(request, socket, head, (ws) => connected({ server: ws, session: given, request })),
      (error: { status?: number }) => socket.end(`HTTP/1.1 ${error.status} Refused\r\n\r\n`),
    );
  });
  const { port, close } = await listen(server);
  const clients: WebSocket[] = [];
  closing.push(async () => {
    for (const client of clients) client.terminate();
    await manager.close();
    await close();
  });
  const ada = new PlainVisitor(`http://127.0.0.1:${port}`);
  return {
    manager,
    port,
    ada,
    async visit(view, by = ada) {
      let seen: unknown;
      handler = async () => (seen = await view());
      expect((await by.get("/")).status).toBe(200);
      return seen as never;
    },
    async connect(by = ada, headers = {}) {
      const Cookie = [...by.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const client = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { Cookie, ...headers } });
      clients.push(client);
      const arrived = new Promise<Omit<Connected, "client" | "answer">>((resolve) => (connected = resolve));
      const [answer] = (await once(client, "upgrade")) as [IncomingMessage];
      return { client, answer, ...(await arrived) };
    },
  };
}

const HOUR = 60 * 60 * 1000;

describe("hipflask/socket with a store", () => {
  let time: number;
  let store: Store;
  let shop: Shop;
  const now = () => time;

  beforeEach(async () => {
    time = Date.UTC(2026, 0, 1);
    store = memoryStore({ now });
    shop = await open({ store, now, storeOptions: { idleTimeout: 3600, touchEvery: 60 } });
  });

  it("returns the session of the visitor who opens the socket, for reading", async () => {
    await shop.visit(() => session.update({ username: "ada", cart: ["tea"] }));
    const { session: theirs, request } = await shop.connect();
    expect({ ...theirs }).toEqual({ username: "ada", cart: ["tea"] });
    expect([theirs.username, "cart" in theirs, theirs.size, theirs.get("cart")]).toEqual([
      "ada",
      true,
      2,
      ["tea"],
    ]);
    expect(getSession(request).username).toBe("ada");
    expect(String(theirs)).toBe('Session { "username", "cart" }');
  });

  it("takes a Request of the web", async () => {
    await shop.visit(() => (session.username = "ada"));
    const cookie = `session=${shop.ada.cookies.get("session")}`;
    const theirs = await sessions(shop.manager).fromRequest(
      new Request("http://localhost/", { headers: { cookie } }),
    );
    expect(theirs.username).toBe("ada");
  });

  it("writes with save, and a page sees it", async () => {
    await shop.visit(() => session.update({ username: "ada", seen: [1] }));
    const { session: theirs } = await shop.connect();
    theirs.seen.push(2);
    theirs.transact("visits", (n: number = 0) => n + 1);
    await theirs.save();
    await theirs.save();
    expect(await shop.visit(() => session.toJSON())).toEqual({ username: "ada", seen: [1, 2], visits: 1 });
  });

  it("reads with reload what pages wrote meanwhile", async () => {
    await shop.visit(() => (session.cart = ["tea"]));
    const { session: theirs } = await shop.connect();
    await shop.visit(() => session.cart.push("milk"));
    expect(theirs.cart).toEqual(["tea"]);
    await theirs.reload();
    expect(theirs.cart).toEqual(["tea", "milk"]);
  });

  it("lets a socket and a page write at the same time, and loses neither", async () => {
    await shop.visit(() => (session.start = 1));
    const { session: theirs } = await shop.connect();
    theirs.fromSocket = true;
    await Promise.all([theirs.save(), shop.visit(() => (session.fromPage = true))]);
    expect(await shop.visit(() => session.toJSON())).toEqual({ start: 1, fromSocket: true, fromPage: true });
  });

  it("never sets a cookie, not even where a page would", async () => {
    await shop.visit(() => session.update({ _permanent: true, a: 1 }));
    time += 2 * 60_000;
    const { answer, session: theirs } = await shop.connect();
    theirs.a = 2;
    await theirs.save();
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  it("refuses what would need a cookie, and loses nothing that does not", async () => {
    const { session: stranger } = await shop.connect();
    expect(stranger.size).toBe(0);
    stranger.a = 1;
    await expect(stranger.save()).rejects.toThrow(SessionClosedError);

    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    theirs.owner = "ada";
    await expect(theirs.save()).rejects.toThrow("log in over HTTP");
    await theirs.reload();
    theirs.regenerate({ keep: true });
    await expect(theirs.save()).rejects.toThrow(SessionClosedError);
    expect(await shop.visit(() => [session.toJSON(), session.owner])).toEqual([{ a: 1 }, null]);
  });

  it("can end the session", async () => {
    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    theirs.destroy();
    await theirs.save();
    expect(await shop.visit(() => session.toJSON())).toEqual({});
  });

  it.each([
    ["logged out", undefined, () => shop.visit(() => session.destroy())],
    ["idle for too long", undefined, async () => void (time += HOUR + 1)],
    ["moved on to a login", 1, () => shop.visit(() => session.regenerate({ keep: true }))],
  ])("tells from save and from reload that the session is dead: %s", async (_, left, end) => {
    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    await end();
    await expect(theirs.save()).rejects.toThrow(SessionLostError);
    theirs.a = 2;
    await expect(theirs.save()).rejects.toThrow(SessionLostError);
    await expect(theirs.reload()).rejects.toThrow(SessionLostError);
    expect(await shop.visit(() => session.a)).toBe(left);
  });

  it("extends a session by reload and by save, as activity, and not by being open", async () => {
    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    for (const keepAlive of [theirs.reload, theirs.save, theirs.reload]) {
      time += 0.9 * HOUR;
      await keepAlive();
    }
    await shop.connect();
    time += HOUR + 1;
    await expect(theirs.reload()).rejects.toThrow(SessionLostError);
  });

  it("ends at the absolute limit, however active the socket is", async () => {
    shop = await open({
      store: memoryStore({ now }),
      now,
      storeOptions: { idleTimeout: 3600, absoluteTimeout: 7200 },
    });
    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    for (let minute = 1; minute < 120; minute++) {
      time += 60_000;
      await theirs.reload();
    }
    time += 60_000;
    await expect(theirs.reload()).rejects.toThrow(SessionLostError);
  });

  it("follows the token through periodic rotations while it is open", async () => {
    shop = await open({
      store,
      now,
      storeOptions: { rotateAfter: 600, rotationGrace: 5, reusedTokens: "destroy" },
    });
    await shop.visit(() => (session.a = 0));
    const { session: theirs } = await shop.connect();
    for (let turn = 1; turn <= 20; turn++) {
      time += 700_000;
      await shop.visit(() => (session.a = turn));
      if (turn % 5 > 0) continue;
      await theirs.reload();
      expect(theirs.a).toBe(turn);
      theirs.fromSocket = turn;
      await theirs.save();
    }
    expect(await shop.visit(() => session.toJSON())).toEqual({ a: 20, fromSocket: 20 });
  });

  it("leaves flashed messages to the next page, and adds to them", async () => {
    await shop.visit(() => session.update({ a: 1 }));
    await shop.visit(() => session.flash("from a page"));
    const { session: theirs } = await shop.connect();
    expect(theirs.getFlashedMessages()).toEqual([]);
    theirs.flash("from a socket");
    await theirs.save();
    theirs.flash("and another");
    await theirs.save();
    await theirs.reload();
    const messages = await shop.visit(() => session.getFlashedMessages());
    expect(messages.toSorted()).toEqual(["and another", "from a page", "from a socket"]);
  });

  it("tells that the store is down, and saves when it is back", async () => {
    let isDown = false;
    const shaky = new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== "function") return value;
        if (isDown && name !== "now")
          return () => Promise.reject(new StoreError("unavailable", "down on purpose"));
        return value.bind(target) as unknown;
      },
    });
    shop = await open({ store: shaky, now });
    await shop.visit(() => (session.a = 1));
    const { session: theirs } = await shop.connect();
    isDown = true;
    theirs.a = 2;
    theirs.flash("first");
    await expect(theirs.save()).rejects.toThrow(StoreError);
    await expect(theirs.reload()).rejects.toThrow(StoreError);
    theirs.flash("second");
    isDown = false;
    await theirs.save();
    expect(await shop.visit(() => [session.a, session.getFlashedMessages()])).toEqual([
      2,
      ["first", "second"],
    ]);
  });

  it("keeps its own names apart from data", async () => {
    await shop.visit(() => session.set("save", "my data"));
    const { session: theirs } = await shop.connect();
    expect([typeof theirs.save, theirs.get("save")]).toEqual(["function", "my data"]);
    expect(() => Object.assign(theirs, { reload: 1 })).toThrow(ReservedNameError);
  });

  describe("onDestroyed", () => {
    it("closes the socket when the session ends, and is silent after that", async () => {
      await shop.visit(() => (session.owner = "ada"));
      const { client, server, session: theirs } = await shop.connect();
      let calls = 0;
      theirs.onDestroyed(() => {
        calls++;
        server.close(4401, "logged out");
      });
      await shop.manager.destroyAll("ada");
      const [code, reason] = (await once(client, "close")) as [number, Buffer];
      expect([code, String(reason)]).toEqual([4401, "logged out"]);
      expect(calls).toBe(1);
    });

    it("can be stopped", async () => {
      await shop.visit(() => (session.owner = "ada"));
      const { session: theirs } = await shop.connect();
      let calls = 0;
      theirs.onDestroyed(() => calls++)();
      await shop.manager.destroyAll("ada");
      expect(calls).toBe(0);
    });

    it("never calls back without a session", async () => {
      const { session: stranger } = await shop.connect();
      expect(stranger.onDestroyed(() => {})()).toBeUndefined();
    });
  });
});

describe("hipflask/socket with a session in the cookie", () => {
  it("reads, throws at a write, and has nothing to save", async () => {
    const { visit, connect } = await open({});
    await visit(() => session.update({ username: "ada", list: [1] }));
    const { session: theirs, answer } = await connect();
    expect(theirs.username).toBe("ada");
    for (const write of [
      () => (theirs.a = 1),
      () => delete theirs.username,
      () => theirs.destroy(),
      () => theirs.flash("hello"),
      () => theirs.transact("n", (n: number = 0) => n + 1),
    ]) {
      expect(write).toThrow(SessionClosedError);
      expect(write).toThrow("kept in a cookie");
    }
    await theirs.save();
    expect(theirs.toJSON()).toEqual({ username: "ada", list: [1] });
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  it("tells a write inside a value when it is saved", async () => {
    const { visit, connect } = await open({});
    await visit(() => (session.list = [1]));
    const { session: theirs } = await connect();
    theirs.list.push(2);
    await expect(theirs.save()).rejects.toThrow(SessionClosedError);
  });

  it("tells from reload that the cookie is too old by now", async () => {
    let time = Date.UTC(2026, 0, 1);
    const { visit, connect } = await open({ lifetime: 60, now: () => time });
    await visit(() => (session.a = 1));
    const { session: theirs } = await connect();
    await theirs.reload();
    expect(theirs.a).toBe(1);
    time += 61_000;
    await expect(theirs.reload()).rejects.toThrow(SessionLostError);
  });

  it("cannot detect the end in cookie mode", async () => {
    const { connect } = await open({});
    const { session: theirs } = await connect();
    expect(() => theirs.onDestroyed(() => {})).toThrow(ConfigError);
  });

  it("opens nothing for a cookie that is none", async () => {
    const { ada, connect } = await open({});
    ada.cookies.set("session", "forged.forged.forged");
    expect((await connect()).session.size).toBe(0);
  });
});

describe("the origin of a handshake", () => {
  const from = (origin: string | undefined, host: string | undefined, options?: SocketOptions) => {
    const headers = new Headers();
    if (origin !== undefined) headers.set("Origin", origin);
    if (host !== undefined) headers.set("Host", host);
    const sockets = sessions({ secretKey: "sockets" }, options);
    return sockets.fromRequest({ headers, url: "https://by-url.example/chat" } as Request).then(
      () => "accepted",
      (error: Error) => error.name,
    );
  };
  const app = "https://app.example.com";

  it.each([
    [undefined, "shop.example"],
    ["https://shop.example", "shop.example"],
    ["http://shop.example", "SHOP.example"],
    ["https://shop.example", "shop.example:443"],
    ["http://localhost:3000", "localhost:3000"],
    ["https://by-url.example", undefined],
  ])("accepts %s at %s", async (origin, host) => expect(await from(origin, host)).toBe("accepted"));

  it.each([
    ["https://evil.example", "shop.example"],
    ["https://shop.example.evil.example", "shop.example"],
    ["https://sub.shop.example", "shop.example"],
    ["https://shop.example:8443", "shop.example"],
    ["http://localhost:3000", "localhost:3001"],
    ["null", "null"],
    ["", "shop.example"],
    ["not a url", "not a url"],
    ["file://", ""],
    ["https://shop.example", "shop example"],
  ])("refuses %s at %s", async (origin, host) => expect(await from(origin, host)).toBe("ForeignOriginError"));

  it("accepts exactly the listed ones, or any", async () => {
    expect(await from(app, "api.example.com", { origins: [app] })).toBe("accepted");
    expect(await from(`${app}.evil.example`, "api.example.com", { origins: [app] })).toBe(
      "ForeignOriginError",
    );
    expect(await from("https://evil.example", "api.example.com", { origins: "any" })).toBe("accepted");
  });

  it("is looked at before the session is", async () => {
    const { visit, connect, ada } = await open({ store: memoryStore() });
    await visit(() => (session.a = 1));
    const refused = connect(ada, { Origin: "https://evil.example" });
    await expect(refused).rejects.toThrow("403");
    expect(new ForeignOriginError("https://evil.example").origin).toBe("https://evil.example");
  });
});
