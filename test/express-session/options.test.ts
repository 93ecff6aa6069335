import { createHmac, createSecretKey, randomBytes, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import session, { MemoryStore, type SessionOptions } from "../../src/express-session.ts";
import { listen } from "../adapters/listen.ts";
import { open, quiet } from "./site.ts";

/** A site that says the id of the session it gave. */
const answer = (given: SessionOptions, setUp: (req: IncomingMessage) => void = () => {}) => {
  const options = { ...quiet, ...given, saveUninitialized: true };
  const middleware = session(options);
  return open(
    options,
    (req, res) => void res.send(req.sessionID),
    (req, res, next) => {
      setUp(req);
      middleware(req, res, next);
    },
  );
};

/** What express-session's documentation says its cookies are. */
const signed = (id: string, secret: string | Buffer | KeyObject) =>
  encodeURIComponent(
    `s:${id}.${createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "")}`,
  );

describe("secret", () => {
  it.each([
    ["a string", "keyboard cat"],
    ["bytes", randomBytes(32)],
    ["a key", createSecretKey(randomBytes(32))],
  ])("signs with %s, and knows its own again", async (_, secret) => {
    const site = await answer({ secret, genid: () => "apple" });
    const [line] = (await site.get()).cookies;
    expect(line).toBe(`connect.sid=${signed("apple", secret)}; Path=/; HttpOnly`);
    expect((await site.get()).cookies).toEqual([]);
  });

  it("of several, the first signs and any may have signed", async () => {
    const store = new MemoryStore();
    const site = await answer({ store, secret: ["new", "old"] });
    const { body, cookies } = await site.get();
    expect(cookies[0]).toContain(`=${signed(body, "new")};`);
    const older = await open({ ...quiet, store, secret: "old" }, (req, res) => {
      req.session.user = "ada";
      res.send(req.sessionID);
    });
    const { body: id } = await older.get();
    site.cookie = older.cookie;
    expect((await site.get()).body).toBe(id);
  });

  it("may be that of cookie-parser, at req.secret", async () => {
    const site = await answer({ secret: undefined }, (req) => Object.assign(req, { secret: "parser" }));
    const { body, cookies } = await site.get();
    expect(cookies[0]).toContain(`=${signed(body, "parser")};`);
  });

  it("is asked for, by next(error), where there is none", async () => {
    const site = await answer({ secret: undefined });
    expect(await site.get()).toMatchObject({
      status: 500,
      body: "handled: secret option required for sessions",
    });
  });

  it("is refused when it is empty or no secret", () => {
    expect(() => session({ secret: [] })).toThrow(
      new TypeError("secret option array must contain one or more strings"),
    );
    expect(() => session({ ...quiet, secret: ["new", ""] })).toThrow("empty");
    expect(() => session({ ...quiet, secret: 7 as never })).toThrow("must be a string");
  });
});

describe("a cookie that is not ours", () => {
  it.each([
    ["unsigned", "connect.sid=apple"],
    ["signed by others", `connect.sid=${signed("apple", "nyan cat")}`],
    ["cut short", `connect.sid=${signed("apple", "keyboard cat").slice(0, -1)}`],
    ["broken in its encoding", "connect.sid=s%3Aapple.%E0%A4%A"],
    ["an empty id", `connect.sid=${signed("", "keyboard cat")}`],
  ])("is no session, and the store is not asked: %s", async (_, cookie) => {
    const store = new MemoryStore();
    const get = vi.spyOn(store, "get");
    const site = await answer({ store });
    site.cookie = cookie;
    const { status, cookies } = await site.get();
    expect([status, cookies.length, get.mock.calls.length]).toEqual([200, 1, 0]);
  });

  it("does not hide behind another cookie's quotes", async () => {
    const cookie = `a="x; connect.sid=${signed("apple", "keyboard cat")}; b=y"`;
    const get = vi.fn<() => void>();
    const store = new MemoryStore();
    store.get = (id, callback) => {
      get();
      callback(null, id === "apple" ? null : undefined);
    };
    const asked = await answer({ store });
    asked.cookie = cookie;
    await asked.get();
    expect(get).toHaveBeenCalledTimes(1);
  });
});

describe("what cookie-parser has read", () => {
  it.each([
    ["signedCookies", "apple"],
    [
      "cookies",
      `s:apple.${createHmac("sha256", "keyboard cat").update("apple").digest("base64").slice(0, -1)}`,
    ],
  ])("counts where the header has no session: req.%s", async (place, value) => {
    vi.spyOn(process, "emitWarning").mockReturnValue();
    const store = new MemoryStore();
    const get = vi.spyOn(store, "get");
    const site = await answer({ store }, (req) => Object.assign(req, { [place]: { "connect.sid": value } }));
    await site.get();
    expect(get.mock.calls.map(([id]) => id)).toEqual(["apple"]);
  });
});

describe("genid", () => {
  it("makes the ids, and is given the request", async () => {
    const site = await answer({ genid: (req) => `${req.path}%` });
    expect((await site.get("/shop")).cookies[0]).toContain(`=${signed("/shop%", "keyboard cat")};`);
  });

  it("makes 24 random bytes by default", async () => {
    const site = await answer({});
    expect((await site.get()).body).toMatch(/^[\w-]{32}$/);
  });

  it("is refused unless it is a function", () =>
    expect(() => session({ genid: "id" as never })).toThrow(
      new TypeError("genid option must be a function"),
    ));
});

describe("name", () => {
  it.each([
    [{}, "connect.sid"],
    [{ key: "sessid" }, "sessid"],
    [{ name: "sid", key: "sessid" }, "sid"],
  ])("of %j is %s", async (given, name) => {
    const site = await answer({ ...given });
    expect((await site.get()).cookies[0]).toMatch(new RegExp(`^${name}=s%3A`));
  });
});

describe("cookie", () => {
  it("has the defaults of express-session", async () => {
    const site = await answer({ genid: () => "apple" });
    expect((await site.get()).cookies[0]!.split("; ").slice(1)).toEqual(["Path=/", "HttpOnly"]);
  });

  it("writes all attributes in the order of express-session", async () => {
    const cookie = {
      domain: "127.0.0.1",
      expires: new Date(Date.UTC(2038, 0, 1)),
      path: "/shop",
      partitioned: true,
      priority: "high",
      sameSite: "lax",
    } as const;
    const site = await answer({ cookie });
    expect((await site.get("/shop/tea")).cookies[0]!.split("; ").slice(1)).toEqual([
      "Domain=127.0.0.1",
      "Path=/shop",
      "Expires=Fri, 01 Jan 2038 00:00:00 GMT",
      "HttpOnly",
      "Partitioned",
      "Priority=High",
      "SameSite=Lax",
    ]);
  });

  it("has a path outside of which there is no session, wherever the middleware is mounted", async () => {
    const site = await open({ ...quiet, cookie: { path: "/shop" } }, (req, res) => {
      res.send(typeof req.session);
    });
    expect((await site.get("/")).body).toBe("undefined");
    expect((await site.get("/shop/tea?a=/")).body).toBe("object");
    const mounted = await answer({ cookie: { path: "/shop" } }, (req) =>
      Object.assign(req, { originalUrl: "/shop/x", url: "/x" }),
    );
    expect((await mounted.get("/")).cookies).toHaveLength(1);
  });

  it("may be a function of the request", async () => {
    const site = await answer({
      proxy: true,
      cookie: (req) => ({ path: req.path, secure: "auto", sameSite: "auto" }),
    });
    const attributes = async (headers: Record<string, string>) => {
      site.cookie = undefined;
      return (await site.get("/shop", headers)).cookies[0]!.split("; ").slice(1);
    };
    expect(await attributes({})).toEqual(["Path=/shop", "HttpOnly", "SameSite=Lax"]);
    const https = { "X-Forwarded-Proto": "https, http" };
    expect(await attributes(https)).toEqual(["Path=/shop", "HttpOnly", "Secure", "SameSite=None"]);
  });
});

describe("secure cookies", () => {
  const forwarded = { "X-Forwarded-Proto": "https" };

  it.each([
    { proxy: true, headers: forwarded, secure: undefined, sets: 1 },
    { proxy: true, headers: {}, secure: true, sets: 0 },
    { proxy: false, headers: forwarded, secure: true, sets: 0 },
    { proxy: undefined, headers: forwarded, secure: undefined, sets: 0 },
    { proxy: undefined, headers: forwarded, secure: true, sets: 1 },
  ])("are set where proxy is $proxy, req.secure $secure: $sets", async ({ proxy, headers, secure, sets }) => {
    const setUp = (req: IncomingMessage) =>
      Object.defineProperty(req, "secure", { value: secure, configurable: true });
    const site = await answer({ proxy, cookie: { secure: true } }, setUp);
    expect((await site.get("/", headers)).cookies).toHaveLength(sets);
  });

  it("are set over TLS", async () => {
    const middleware = session({ ...quiet, saveUninitialized: true, cookie: { secure: "auto" } });
    const server = await listen(
      createServer((req, res) => {
        Object.defineProperty(req.socket, "encrypted", { value: true });
        middleware(req as never, res as never, () => res.end());
      }),
    );
    onTestFinished(() => server.close());
    const response = await fetch(`http://127.0.0.1:${server.port}`);
    expect(response.headers.getSetCookie()[0]).toMatch(/; Secure/);
  });
});

describe("unset", () => {
  it("is refused unless it is one of two words", () =>
    expect(() => session({ unset: "delete" as never })).toThrow(
      new TypeError('unset option must be "destroy" or "keep"'),
    ));
});

describe("deprecated uses", () => {
  afterEach(() => {
    process.removeAllListeners("deprecation");
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  const heard = (act: () => void) => {
    const messages: string[] = [];
    process.on(
      "deprecation" as never,
      ((error: Error & { namespace: string }) =>
        messages.push(`${error.namespace}: ${error.message}`)) as never,
    );
    act();
    return messages;
  };

  it("are reported to listeners, as in express-session", () => {
    vi.stubEnv("NO_DEPRECATION", "");
    expect(heard(() => session())).toEqual([
      "express-session: req.secret; provide secret option",
      "express-session: undefined resave option; provide resave option",
      "express-session: undefined saveUninitialized option; provide saveUninitialized option",
    ]);
    expect(heard(() => session(quiet))).toEqual([]);
  });

  it("are otherwise warnings, emitted once", () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    session({ ...quiet, resave: undefined });
    session({ ...quiet, resave: undefined });
    expect(warn.mock.calls).toEqual([
      ["express-session deprecated undefined resave option; provide resave option", "DeprecationWarning"],
    ]);
  });

  it("are not reported with NO_DEPRECATION=express-session", () => {
    vi.stubEnv("NO_DEPRECATION", "other,express-session");
    expect(heard(() => session())).toEqual([]);
  });

  it("of a MemoryStore in production is a warning", () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    session(quiet);
    expect(warn).not.toHaveBeenCalled();
    vi.stubEnv("NODE_ENV", "production");
    session(quiet);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
