import { serve, type ServerType } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { CookieJar } from "tough-cookie";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import {
  ConfigError,
  NoSecretKeyError,
  session,
  SessionManager,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { sessionTransaction, testClient, testClock, type TestClient } from "../../src/testing.ts";

const homes: Record<string, () => SessionOptions> = {
  "a cookie": () => ({ secretKey: "for tests" }),
  "a sealed, hardened cookie": () => ({
    secretKey: "for tests, and long enough to be sealed with",
    hardened: true,
  }),
  "a store": () => ({ secretKey: "for tests", store: memoryStore(), storeOptions: { sweepEvery: 0 } }),
};

function appOf(manager: SessionManager): Hono {
  const app = new Hono();
  app.use(honoSessions(manager));
  app.get("/", (c) => c.text(`hello, ${session.username ?? "stranger"}`));
  app.post("/login", async (c) => {
    session.username = (await c.req.parseBody()).username;
    return c.redirect("/");
  });
  app.post("/logout", (c) => {
    session.destroy();
    return c.text("bye");
  });
  return app;
}

const greeting = async (client: TestClient) => (await client.get("/")).text();

describe.each(Object.entries(homes))("testClient with sessions in %s", (_, options) => {
  const setUp = () => {
    const manager = new SessionManager(options());
    const client = testClient(appOf(manager), { sessions: manager, url: "https://shop.example/" });
    return { manager, client };
  };

  it("keeps cookies, and follows no redirect", async () => {
    const { client } = setUp();
    const answer = await client.post("/login", { username: "ada" });
    expect([answer.status, answer.headers.get("Location")]).toEqual([302, "/"]);
    expect(await greeting(client)).toBe("hello, ada");
    await client.post("/logout");
    expect(await client.jar.getCookieString("https://shop.example/")).toBe("");
    expect(await greeting(client)).toBe("hello, stranger");
  });

  it("prepares a session before the first request", async () => {
    const { client } = setUp();
    await client.sessionTransaction((session) => {
      session.username = "ada";
    });
    expect(await greeting(client)).toBe("hello, ada");
  });

  it("looks into the session that requests left, and changes it", async () => {
    const { client } = setUp();
    await client.post("/login", { username: "ada" });
    const name = await client.sessionTransaction(async (session) => {
      await Promise.resolve();
      const was = session.username;
      session.username = "grace";
      return was;
    });
    expect([name, await greeting(client)]).toEqual(["ada", "hello, grace"]);
  });

  it("makes it the current session for functions of the app", async () => {
    const { client } = setUp();
    const logIn = () => (session.username = "ada");
    await client.sessionTransaction(logIn);
    expect(await greeting(client)).toBe("hello, ada");
  });

  it("saves nothing if the block throws", async () => {
    const { client } = setUp();
    await client.post("/login", { username: "ada" });
    const failing = client.sessionTransaction((session) => {
      session.username = "mallory";
      throw new RangeError("changed my mind");
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await greeting(client)).toBe("hello, ada");
  });

  it("saves nothing if nothing was modified", async () => {
    const { client } = setUp();
    await client.sessionTransaction((session) => session.username);
    expect(await client.jar.getCookieString("https://shop.example/")).toBe("");
    await client.post("/login", { username: "ada" });
    const before = await client.jar.getCookieString("https://shop.example/");
    await client.sessionTransaction((session) => session.username);
    expect(await client.jar.getCookieString("https://shop.example/")).toBe(before);
  });

  it("ends a session: its cookie leaves the jar", async () => {
    const { client } = setUp();
    await client.post("/login", { username: "ada" });
    await client.sessionTransaction((session) => session.destroy());
    expect(await client.jar.getCookieString("https://shop.example/")).toBe("");
  });

  it("keeps two clients apart", async () => {
    const { manager, client } = setUp();
    const other = testClient(appOf(manager), { sessions: manager, url: "https://shop.example/" });
    await client.sessionTransaction((session) => (session.username = "ada"));
    await other.sessionTransaction((session) => (session.username = "grace"));
    expect([await greeting(client), await greeting(other)]).toEqual(["hello, ada", "hello, grace"]);
  });
});

describe("sessionTransaction", () => {
  it("works on any jar, and on the part of a site the cookie is for", async () => {
    const manager = new SessionManager({ secretKey: "for tests", cookiePath: "/shop" });
    const jar = new CookieJar();
    const url = "http://localhost/shop/";
    await sessionTransaction(manager, jar, (session) => (session.username = "ada"), { url });
    expect(await jar.getCookieString("http://localhost/")).toBe("");
    expect(await sessionTransaction(manager, jar, (session) => session.username, { url })).toBe("ada");
  });

  it.each([
    ["without a secret key", new SessionManager({ secretKey: null })],
    [
      "for an interface that gives no session",
      new SessionManager({ sessionInterface: { openSession: () => null, saveSession: () => {} } }),
    ],
  ])("says so %s", async (_, manager) => {
    await expect(sessionTransaction(manager, new CookieJar(), () => 1)).rejects.toThrow(NoSecretKeyError);
  });

  it("needs to know the app's manager", async () => {
    const client = testClient(() => new Response());
    await expect(client.sessionTransaction(() => 1)).rejects.toThrow(ConfigError);
  });

  it("lives by the clock of the app", async () => {
    const clock = testClock();
    const manager = new SessionManager({ secretKey: "for tests", now: clock.now, lifetime: 60 });
    const client = testClient(appOf(manager), { sessions: manager });
    await client.sessionTransaction((session) => (session.username = "ada"));
    clock.advance(59);
    expect(await greeting(client)).toBe("hello, ada");
    clock.advance(2);
    expect(await greeting(client)).toBe("hello, stranger");
  });
});

describe("testClient for a running server", () => {
  const manager = new SessionManager({
    secretKey: "for tests",
    store: memoryStore(),
    storeOptions: { sweepEvery: 0 },
  });
  let server: ServerType;
  let url: string;

  beforeAll(async () => {
    const app = express();
    app.use(expressSessions(manager));
    app.get("/", (_, res) => void res.send(`hello, ${session.username ?? "stranger"}`));
    server = app.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await manager.close();
  });

  it("talks to it over HTTP, Express for one", async () => {
    const client = testClient(url, { sessions: manager });
    expect(await greeting(client)).toBe("hello, stranger");
    await client.sessionTransaction((session) => (session.username = "ada"));
    expect(await greeting(client)).toBe("hello, ada");
  });

  it("takes an object with `fetch` too, and serves behind @hono/node-server the same", async () => {
    const other = serve({ fetch: appOf(manager).fetch, port: 0, hostname: "127.0.0.1" });
    await new Promise((resolve) => other.once("listening", resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const jar = new CookieJar();
      const overHttp = testClient(new URL(`http://127.0.0.1:${port}`), { sessions: manager, jar });
      await overHttp.post("/login", { username: "ada" });
      const direct = testClient(
        { fetch: (request) => appOf(manager).fetch(request) },
        { url: `http://127.0.0.1:${port}`, jar },
      );
      expect(await greeting(direct)).toBe("hello, ada");
    } finally {
      other.close();
    }
  });
});
