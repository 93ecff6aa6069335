/**
 * A browser keeps two cookies of one name, since `cookieDomain` or `cookiePath` was another one before, or since somebody on a
 * sibling subdomain planted one.
 *
 * - pallets/flask#5462 and #5464: after SESSION_COOKIE_DOMAIN was changed, competing cookies; nobody can log out
 * - forem/forem#10169, ministryofjustice/opg-lpa#502: neither login nor logout after a change of the domain
 * - code-dot-org/code-dot-org#74198: people with two cookies cannot log in, since the older one is read
 * - spring-projects/spring-session#275, jetty/jetty.project#6103: of several cookies the valid one has to win
 * - lobu-ai/lobu#2578: the order of two cookies decides who is logged in
 * - tinyauthapp/tinyauth#155: another app's cookie of the same name, on a parent domain, is in the way
 */
import express from "express";
import { createApp, defineEventHandler, toNodeListener } from "h3v1";
import Koa from "koa";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nuxtSessions } from "../../src/adapters/nuxt.ts";
import { listen } from "../adapters/listen.ts";
import { sessions } from "../../src/adapters/fetch.ts";
import { codecCookie } from "../../src/accepts.ts";
import { flaskCodec, parseCookie, session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { browserJar, type CookieJar } from "../../src/testing/cookie-jar.ts";
import { testClient } from "../../src/testing/test-client.ts";

const secretKey = "a secret of the reports, long enough to be taken";
let time = Date.UTC(2030, 0, 1);
const now = () => time;

function site(options: SessionOptions, jar: CookieJar, url = "https://www.example.com/") {
  const app = sessions(new SessionManager({ secretKey, now, ...options }))(async (request) => {
    const { pathname } = new URL(request.url);
    const [action, name] = pathname.split("/").filter((part) => part !== "" && part !== "shop");
    if (action === "login") {
      session.permanent = true;
      session.username = name;
    }
    if (action === "logout") session.destroy();
    return new Response(String(session.username));
  });
  const client = testClient(app, { jar, url });
  return async (path: string) => (await client.get(path)).text();
}

const homes: [string, () => SessionOptions][] = [
  ["in Flask's cookie", () => ({})],
  ["in a sealed cookie", () => ({ codec: "sealed" })],
  ["in a store", () => ({ store: memoryStore({ now }) })],
];

describe.each(homes)("another scope of the cookie, with sessions %s", (_, home) => {
  it.each<[string, SessionOptions, SessionOptions]>([
    ["cookieDomain turned on", {}, { cookieDomain: "example.com" }],
    ["cookieDomain turned off", { cookieDomain: "example.com" }, {}],
    ["cookieDomain changed", { cookieDomain: "www.example.com" }, { cookieDomain: "example.com" }],
    ["cookiePath shortened", { cookiePath: "/shop" }, { cookiePath: "/" }],
    ["cookiePath shortened from one that ends with a slash", { cookiePath: "/shop/" }, { cookiePath: "/" }],
    ["cookiePath given a slash at its end", { cookiePath: "/shop" }, { cookiePath: "/shop/" }],
    ["cookiePath lengthened", { cookiePath: "/" }, { cookiePath: "/shop" }],
  ])("logs in and out after: %s", async (_, before, after) => {
    const options = home();
    const jar = browserJar();
    const old = site({ ...options, ...before }, jar);
    expect(await old("/shop/login/ada")).toBe("ada");
    time += 1000;
    const visit = site({ ...options, ...after }, jar);
    expect(await visit("/shop/")).toBe("ada");
    await visit("/shop/login/bob");
    expect(await visit("/shop/")).toBe("bob");
    await visit("/shop/logout");
    expect(await visit("/shop/")).toBe("undefined");
    await visit("/shop/login/eve");
    expect(await visit("/shop/")).toBe("eve");
  });

  it("logs in and out where two live sessions come in at once", async () => {
    const options = home();
    const jar = browserJar();
    // Two hosts, a session each; then the cookie of one is for both.
    await site(options, jar, "https://shop.example.com/")("/login/old");
    time += 1000;
    const wide = { ...options, cookieDomain: "example.com" };
    await site(wide, jar)("/login/ada");
    expect((await jar.getCookieString("https://shop.example.com/")).split("; ")).toHaveLength(2);
    const shop = site(wide, jar, "https://shop.example.com/");
    time += 1000;
    await shop("/login/bob");
    expect(await shop("/")).toBe("bob");
    await shop("/logout");
    expect(await shop("/")).toBe("undefined");
  });

  it("leaves the cookie of another app, under another path and key, alone", async () => {
    const jar = browserJar();
    const root = site({ ...home(), secretKey: "the secret of another app, that is not ours" }, jar);
    await root("/login/ada");
    const shop = site({ ...home(), cookiePath: "/shop" }, jar);
    await shop("/shop/login/bob");
    await shop("/shop/logout");
    expect(await root("/")).toBe("ada");
  });
});

describe("two live sessions of a store in one request", () => {
  const cookieOf = async (jar: CookieJar) => jar.getCookieString("https://www.example.com/");
  async function two() {
    const store = memoryStore({ now });
    const [mine, planted] = [browserJar(), browserJar()];
    await site({ store }, mine)("/login/ada");
    await site({ store }, planted)("/login/eve");
    const both = `${await cookieOf(planted)}; ${await cookieOf(mine)}`;
    return { store, mine, planted, visit: site({ store }, fixedJar(both)) };
  }
  const fixedJar = (cookie: string): CookieJar => ({
    getCookieString: async () => cookie,
    setCookie: async () => {},
  });

  it("open none while they are only read, and change none", async () => {
    const { store, mine, planted, visit } = await two();
    expect(await visit("/")).toBe("undefined");
    expect(await site({ store }, mine)("/")).toBe("ada");
    expect(await site({ store }, planted)("/")).toBe("eve");
  });

  it.each(["/login/bob", "/logout"])("are both ended by %s, whatever the browser keeps", async (path) => {
    const { store, mine, planted, visit } = await two();
    await visit(path);
    expect(await site({ store }, mine)("/")).toBe("undefined");
    expect(await site({ store }, planted)("/")).toBe("undefined");
    // Those cookies stay, and cannot be in the way any more.
    expect(await visit("/")).toBe("undefined");
  });
});

describe("a session of a store under another scope", () => {
  it("ends at a logout that comes before any login", async () => {
    const store = memoryStore({ now });
    const jar = browserJar();
    await site({ store }, jar)("/login/ada");
    const visit = site({ store, cookieDomain: "example.com" }, jar);
    await visit("/logout");
    expect(await visit("/")).toBe("undefined");
    await visit("/login/bob");
    expect(await visit("/")).toBe("bob");
  });
});

describe("a cookie under another scope and another name", () => {
  it("does not log out by default, and deletes all of them at a logout", async () => {
    const codec = flaskCodec({ secretKey });
    const jar = browserJar();
    await site({}, jar)("/login/ada");
    const accepts = [codecCookie({ codec, cookieName: "session", maxAge: 31 * 24 * 3600 })];
    const visit = site({ accepts, cookieName: "session_wide", cookieDomain: "example.com" }, jar);
    expect(await visit("/")).toBe("ada");
    expect(await jar.getCookieString("https://www.example.com/")).toMatch(/^session_wide=[^;]+$/);
    await visit("/logout");
    expect(await visit("/")).toBe("undefined");
  });
});

describe("an old token of a session beside its new one", () => {
  it("is not taken for a theft", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    subscribe("hipflask:reused", listen);
    const store = memoryStore({ now });
    const storeOptions = { rotateAfter: 60, rotationGrace: 10, reusedTokens: "destroy" as const };
    const jar = browserJar();
    await site({ store, storeOptions }, jar)("/login/ada");
    const visit = site({ store, storeOptions, cookieDomain: "example.com" }, jar);
    for (let minute = 0; minute < 5; minute++) {
      time += 120_000;
      expect(await visit("/")).toBe("ada");
    }
    unsubscribe("hipflask:reused", listen);
    expect(told).toEqual([]);
  });
});

describe("routers that cut off the path they are mounted at", () => {
  type Handler = (path: string) => string;
  const DOORS: Record<string, (options: SessionOptions, handler: Handler) => RequestListener> = {
    "a router of Express": (options, handler) => {
      const router = express.Router().use((req, res) => void res.send(handler(req.url)));
      return express().use(expressSessions(options)).use("/shop", router);
    },
    "Express, with sessions in the router": (options, handler) => {
      const router = express.Router().use(expressSessions(options));
      router.use((req, res) => void res.send(handler(req.url)));
      return express().use("/shop", router);
    },
    "an app of Koa that is mounted": (options, handler) => {
      const app = new Koa().use(async (ctx, next) => {
        ctx.path = ctx.path.replace("/shop", "");
        await next();
      });
      return app
        .use(koaSessions(options))
        .use((ctx) => void (ctx.body = handler(ctx.url)))
        .callback();
    },
    "an app of h3 1": (options, handler) => {
      const app = createApp();
      app.use(
        "/shop",
        defineEventHandler((event) => handler(event.path)),
      );
      nuxtSessions(options)({ h3App: app } as never);
      return toNodeListener(app);
    },
  };
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it.each(Object.entries(DOORS))("remove what was set under the whole path: %s", async (_, door) => {
    const handler: Handler = (path) => {
      const [action, name] = path.split("/").filter((part) => part !== "");
      if (action === "login") Object.assign(session, { permanent: true, username: name });
      if (action === "logout") session.destroy();
      return String(session.username);
    };
    const jar = browserJar();
    const start = async (options: SessionOptions) => {
      const server = await listen(createServer(door({ secretKey, now, ...options }, handler)));
      closing.push(server.close);
      return async (path: string) => {
        const url = `http://127.0.0.1:${server.port}${path}`;
        const response = await fetch(url, { headers: { Cookie: await jar.getCookieString(url) } });
        for (const line of response.headers.getSetCookie()) await jar.setCookie(line, url);
        return response.text();
      };
    };
    const old = await start({ cookiePath: "/shop" });
    await old("/shop/login/ada");
    const visit = await start({ cookiePath: "/" });
    time += 1000;
    expect(await visit("/shop/")).toBe("ada");
    await visit("/shop/login/bob");
    expect(await visit("/shop/")).toBe("bob");
    expect((await jar.getCookieString("http://127.0.0.1/shop/")).split("; ")).toHaveLength(1);
    await visit("/shop/logout");
    expect(await visit("/shop/")).toBe("undefined");
  });
});

describe("parseCookie", () => {
  it("hands no cookie's text over as the value of another", () => {
    expect(parseCookie('a="; __Host-session=REAL; z="')).toEqual([
      ["a", '"'],
      ["__Host-session", "REAL"],
      ["z", '"'],
    ]);
  });
});
