import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { sessions } from "../../src/adapters/node.ts";
import { consume, selectorOf, session, SessionManager, type StoreOptions } from "../../src/index.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { sweepOnce } from "../../src/stores/parts/sweep.ts";
import { testClock, type TestClock } from "../../src/testing/clock.ts";
import { engines } from "./engines.ts";
import { recordsIn } from "./stored.ts";

const isFull = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);
const EXPIRED = isFull ? 1_200 : 200; // the contract of stores removes 10,000 at its full scale
const BATCH = EXPIRED / 4; // each worker takes more than one
const IDLE = 600;
const ABSOLUTE = 3600;

/** A node of an app: a server with a manager of its own, on the store that all nodes share. */
class Node {
  readonly manager: SessionManager;
  readonly #server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  /** Requests to /wait go on when this is called. */
  letGo: () => void = () => {};
  waiting: Promise<unknown> = Promise.resolve();
  #arrived: () => void = () => {};

  constructor(store: Store, clock: TestClock, options: StoreOptions = {}) {
    this.manager = new SessionManager({
      secretKey: "a secret for conversations",
      store,
      now: clock.now,
      storeOptions: {
        sweepEvery: 0,
        storeTimeout: 30,
        idleTimeout: IDLE,
        absoluteTimeout: ABSOLUTE,
        device: (request) => ({ browser: request.headers.get("User-Agent") }),
        ...options,
      },
    });
    const handler = sessions(this.manager, { onError: () => {} });
    this.#server = createServer(handler((req, res) => this.#view(req, res)));
    this.#server.on("upgrade", async (req, socket, head) => {
      const headers = { get: (name: string) => String(req.headers[name.toLowerCase()] ?? "") };
      const context = this.manager.requestContext({ headers });
      await context.opening;
      this.#sockets.handleUpgrade(req, socket, head, (client) => {
        this.manager.onDestroyed(context.session, () => client.close(4001, "logged out"));
      });
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The next request to /wait has begun when this resolves. */
  held(): Promise<void> {
    this.waiting = new Promise<void>((resolve) => (this.letGo = resolve));
    return new Promise((resolve) => (this.#arrived = resolve));
  }

  async #view(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [, action = "", argument = "", value = ""] = decodeURIComponent(req.url!).split("/");
    const all = `${action} ${argument}`;
    if (action === "set") session[argument] = value;
    if (action === "unset") session.delete(argument);
    if (action === "regenerate") session.regenerate({ keep: ["cart"] });
    if (action === "login") session.owner = argument;
    if (action === "logout") session.destroy();
    if (all === "logout throw") throw new Error("on purpose");
    if (action === "throw") {
      session.late = true;
      throw new Error("on purpose");
    }
    if (action === "wait") {
      session.late = true;
      this.#arrived();
      await this.waiting;
    }
    if (action === "events") {
      res.writeHead(200, { "Content-Type": "text/event-stream" }).write(": hello\n\n");
      this.manager.onDestroyed(session, () => res.end("event: bye\n\n"));
      return;
    }
    res.setHeader("Content-Type", "application/json");
    const owner = session.owner ?? "";
    const seen =
      action === "devices"
        ? await this.manager.list(owner, { current: session })
        : action === "end"
          ? await this.manager.destroy(argument)
          : action === "elsewhere"
            ? await this.manager.destroyAll(owner, { except: session })
            : action === "consume"
              ? ((await consume(argument)) ?? null)
              : action === "owner"
                ? session.owner
                : session.toJSON();
    res.end(JSON.stringify({ seen, selector: selectorOf(session) ?? null }));
  }
}

describe.each(engines.filter(({ skip }) => !skip))("conversations over HTTP on $name", ({ open }) => {
  const clock = testClock();
  let engine: Awaited<ReturnType<typeof open>>;
  let here: Node;
  let there: Node;
  let rotating: Node;
  let limited: Node;

  beforeAll(async () => {
    engine = await open(clock);
    const { store } = engine;
    [here, there, rotating, limited] = await Promise.all([
      new Node(store, clock).listen(),
      new Node(store, clock).listen(),
      new Node(store, clock, {
        rotateAfter: 120,
        rotationGrace: 30,
        reusedTokens: "refuse",
      }).listen(),
      new Node(store, clock, { maxPerOwner: 2 }).listen(),
    ]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([here, there, rotating, limited].map((node) => node?.close()));
    await engine?.close();
  });

  /** What came back, and the cookie that the browser holds after it. */
  async function get(path: string, cookie = "", node = here) {
    const response = await fetch(`http://${node.host}${path}`, { headers: { cookie, "User-Agent": "Lynx" } });
    const body = await response.text();
    const [line = ""] = response.headers.getSetCookie();
    const { seen, selector } = (response.status === 200 ? JSON.parse(body) : {}) as {
      seen: unknown;
      selector: string;
    };
    return {
      status: response.status,
      line,
      cookie: line === "" ? cookie : line.split(";")[0]!,
      body,
      seen,
      selector,
    };
  }

  const parallel = <Result>(count: number, request: (at: number) => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, (_, at) => request(at)));

  it("opens nothing with what is in the store, and adopts no token that is not (SEC-2, SEC-5)", async () => {
    const { cookie } = await get("/set/user/ada");
    const [selector = "", verifier = ""] = cookie.slice("session=".length).split(".");
    const dump = await engine.dump(selector);
    expect(dump).not.toContain(verifier);
    const words = [...dump.matchAll(/[\w-]{43}/g)].map(([word]) => word);
    expect(words).not.toHaveLength(0);
    for (const word of words) expect((await get("/", `session=${selector}.${word}`)).seen).toEqual({});
    const planted = `session=${"B".repeat(16)}.${"A".repeat(43)}`;
    const fresh = await get("/set/a/1", planted);
    const [freshSelector, freshVerifier] = fresh.cookie.slice("session=".length).split(".");
    expect(freshSelector).not.toBe("B".repeat(16));
    expect(freshVerifier).not.toBe("A".repeat(43));
    expect((await get("/", planted)).seen).toEqual({});
  });

  it("keeps a removal and a parallel write, in either order (SEC-10)", async () => {
    for (const order of [
      ["/unset/k", "/set/m/1"],
      ["/set/m/1", "/unset/k"],
    ]) {
      const { cookie } = await get("/set/k/1");
      await Promise.all(order.map((path) => get(path, cookie)));
      expect((await get("/", cookie)).seen).toEqual({ m: "1" });
    }
  });

  it("kills a planted token at login, with the write that is under way under it (SEC-21, SEC-22)", async () => {
    for (const way of ["/regenerate", "/login/ada%20planted"]) {
      const { cookie: planted } = await get("/set/cart/1");
      const begins = here.held();
      const late = get("/wait", planted);
      await begins;
      const login = await get(way, planted);
      here.letGo();
      expect([login.cookie === planted, (await late).line]).toEqual([false, ""]);
      expect((await get("/", planted)).seen).toEqual({});
      expect((await get("/", login.cookie)).seen).toEqual({ cart: "1" });
      const other = await get("/login/bob", login.cookie);
      const isAnother = way.startsWith("/login");
      expect(other.seen).toEqual(isAnother ? {} : { cart: "1" });
      expect((await get("/", login.cookie)).seen).toEqual({});
    }
  });

  it("logs out and renews also where the handler fails, and saves nothing else then (SEC-18)", async () => {
    const { cookie } = await get("/set/user/ada");
    expect((await get("/throw", cookie)).status).toBe(500);
    expect((await get("/", cookie)).seen).toEqual({ user: "ada" });
    const logout = await get("/logout/throw", cookie);
    expect([logout.status, logout.line.includes("Max-Age=0")]).toEqual([500, true]);
    expect((await get("/", cookie)).seen).toEqual({});
    expect((await get("/logout", cookie)).status).toBe(200);
  });

  it("leaves the handler's own answer alone when its write is lost (SEC-15, SEC-16)", async () => {
    const { cookie } = await get("/set/user/ada");
    const begins = here.held();
    const late = get("/wait", cookie);
    await begins;
    await get("/logout", cookie, there);
    here.letGo();
    expect(await late).toMatchObject({ status: 200, line: "", seen: { user: "ada", late: true } });
    expect((await get("/", cookie)).seen).toEqual({});
  });

  it("means no session where a record cannot be read, and keeps the record (SEC-37)", async () => {
    const { cookie, selector } = await get("/set/user/ada").then(({ cookie }) => get("/", cookie));
    await engine.corrupt(selector);
    const before = await engine.dump(selector);
    const answer = await get("/", cookie);
    expect(answer).toMatchObject({ status: 200, line: "", seen: {} });
    expect(await engine.dump(selector)).toBe(before);
    const fresh = await get("/set/user/bob", cookie);
    expect(fresh.selector === selector || fresh.cookie === cookie).toBe(false);
    expect(await engine.dump(selector)).toBe(before);
  });

  it("ends at the idle and the absolute limit of the store's clock, with nothing cleaned up (SEC-27, SEC-29)", async () => {
    const [idle, busy] = [await get("/set/a/1"), await get("/login/busy")];
    clock.advance(IDLE - 5);
    expect((await get("/owner", busy.cookie)).seen).toBe("busy");
    clock.advance(6);
    expect((await get("/", idle.cookie)).seen).toEqual({});
    for (let passed = IDLE + 1; passed < ABSOLUTE - 300; passed += 290) {
      expect((await get("/owner", busy.cookie, passed % 4 ? here : there)).seen).toBe("busy");
      clock.advance(290);
    }
    clock.advance(301);
    expect((await get("/owner", busy.cookie)).seen).toBeNull();
    expect((await get("/set/a/1", busy.cookie)).cookie).not.toBe(busy.cookie);
  });

  it("rotates periodically; a request that missed it recovers within the grace period and is a stranger after it (SEC-23 to SEC-25)", async () => {
    const { cookie: old } = await get("/set/a/1", "", rotating);
    clock.advance(121);
    const answers = await parallel(8, () => get("/", old, rotating));
    const tokens = new Set(answers.map(({ cookie }) => cookie));
    expect(tokens.size).toBe(1);
    const [fresh = ""] = tokens;
    expect(fresh).not.toBe(old);
    clock.advance(25);
    const missed = await get("/set/b/2", old, rotating);
    expect([missed.cookie, missed.seen]).toEqual([fresh, { a: "1", b: "2" }]);
    clock.advance(6);
    expect(await get("/", old, rotating)).toMatchObject({ line: "", seen: {} });
    expect((await get("/", fresh, rotating)).seen).toEqual({ a: "1", b: "2" });
  });

  it("gives what is to be used once to one of eight requests at once (SEC-26)", async () => {
    const { cookie } = await get("/set/voucher/42");
    const answers = await parallel(8, (at) => get("/consume/voucher", cookie, at % 2 ? here : there));
    expect(answers.map(({ seen }) => seen).filter((seen) => seen !== null)).toEqual(["42"]);
    expect((await get("/", cookie)).seen).toEqual({});
  });

  it("lists a person's devices, ends one, and all the others (SEC-63, SEC-64)", async () => {
    const [desk, phone, tablet] = [
      await get("/login/cleo"),
      await get("/login/cleo"),
      await get("/login/cleo"),
    ];
    await get("/set/secret/value", desk.cookie);
    const listed = (await get("/devices", desk.cookie)).seen as Array<{
      selector: string;
      isCurrent: boolean;
    }>;
    expect(listed).toHaveLength(3);
    expect(listed.filter(({ isCurrent }) => isCurrent)).toHaveLength(1);
    expect(listed[0]).toMatchObject({ device: { browser: "Lynx" }, createdAt: expect.any(Number) as number });
    const text = JSON.stringify(listed);
    for (const { cookie } of [desk, phone, tablet]) expect(text).not.toContain(cookie.split(".")[1]);
    expect(text).not.toMatch(/secret|value|erifier/);
    const selector = phone.cookie.slice("session=".length).split(".")[0];
    expect((await get(`/end/${selector}`, desk.cookie)).seen).toBe(true);
    expect((await get("/owner", phone.cookie, there)).seen).toBeNull();
    expect((await get("/elsewhere", desk.cookie, there)).seen).toBe(1);
    expect((await get("/owner", tablet.cookie)).seen).toBeNull();
    expect((await get("/owner", desk.cookie)).seen).toBe("cleo");
  });

  it("leaves two sessions of ten parallel logins where two are allowed (SEC-66)", async () => {
    const logins = await parallel(10, () => get("/login/dora", "", limited));
    const owners = await parallel(10, (at) => get("/owner", logins[at]!.cookie, limited));
    expect(owners.filter(({ seen }) => seen === "dora")).toHaveLength(2);
  });

  it("closes sockets and streams on the other node within a second of a revocation on this one (SEC-68)", async () => {
    const { cookie } = await get("/login/eve");
    const socket = new WebSocket(`ws://${there.host}/`, { headers: { cookie } });
    await once(socket, "open");
    const closed = once(socket, "close");
    const stream = await fetch(`http://${there.host}/events`, { headers: { cookie } });
    const ended = stream.text();
    const other = await get("/login/eve");
    const began = performance.now();
    await get("/elsewhere", other.cookie);
    expect(await ended).toContain("event: bye");
    expect((await closed)[0]).toBe(4001);
    expect(performance.now() - began).toBeLessThan(isFull ? 3000 : 1500);
  });

  it(
    `removes ${EXPIRED} expired sessions with two workers, and none that lives (SEC-32)`,
    { timeout: 180_000 },
    async () => {
      const selectors: string[] = [];
      for (let done = 0; done < EXPIRED; done += 50) {
        const answers = await parallel(50, () => get("/set/a/1"));
        selectors.push(...answers.map(({ cookie }) => cookie.slice("session=".length).split(".")[0]!));
      }
      clock.advance(IDLE + 1);
      const alive = await parallel(20, () => get("/set/b/2"));
      const records = [engine.store, engine.another].map(recordsIn);
      await Promise.all(records.map((one) => sweepOnce(one, { batch: BATCH, pause: 0 })));
      expect(await records[0]!.live(selectors)).toEqual([]);
      for (const { cookie } of alive) expect((await get("/", cookie)).seen).toEqual({ b: "2" });
    },
  );
});

describe.each(engines.filter(({ skip }) => skip))("conversations over HTTP", ({ name }) => {
  it.skip(`on ${name}`); // oxlint-disable-line vitest/no-disabled-tests -- says so where an engine is missing
});
