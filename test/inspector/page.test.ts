import { createHash } from "node:crypto";
import express from "express";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { ConfigError, createSession, session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { inspector, nodeListener, type InspectorOptions } from "../../src/inspector.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore, testClient, testClock } from "../../src/testing.ts";
import { textOf, watchedApp } from "./watching.ts";

const express4 = createRequire(import.meta.url)("express4") as typeof express;
const STRONG = "c29tZSByYW5kb20gYnl0ZXMgZnJvbSAvZGV2L3VyYW5kb20";

describe("inspector", () => {
  it.each([
    undefined,
    {},
    { authorize: true },
    { authorize: () => true, keep: 0 },
    { authorize: () => true, keep: 1e9 },
  ])("refuses to be set up with %j", (options) => {
    const manager = new SessionManager({ secretKey: "for tests" });
    expect(() => inspector(manager, options as unknown as InspectorOptions)).toThrow(ConfigError);
  });

  it.each([false, undefined, null, 1, "true", {}])(
    "shows nothing where authorize says %j",
    async (answer) => {
      for (const authorize of [() => answer, async () => answer]) {
        const { viewer, send } = watchedApp({}, { authorize } as unknown as InspectorOptions);
        for (const response of [
          await viewer.get("/inspect"),
          await send({ action: "inspect", cookie: "a" }),
        ]) {
          expect(response.status).toBe(403);
          expect(await response.text()).toBe("You are not allowed to use the inspector.\n");
        }
      }
    },
  );

  it("shows nothing where authorize fails", async () => {
    const { viewer } = watchedApp({}, { authorize: () => Promise.reject(new Error("no directory")) });
    const response = await viewer.get("/inspect");
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
  });

  it("asks about each request, with its session", async () => {
    const { visitor } = watchedApp({}, { authorize: () => session.username === "ada" });
    const client = visitor();
    expect((await client.get("/inspect")).status).toBe(403);
    await client.get("/set?username=ada");
    expect((await client.get("/inspect")).status).toBe(200);
  });

  it("runs and shows nothing inline but what its policy knows by hash, and is stored nowhere", async () => {
    const { visitor, viewer } = watchedApp({ store: memoryStore() });
    await visitor().get("/set?username=ada");
    const response = await viewer.get("/inspect?owner=ada");
    const page = await response.text();
    const policy = response.headers.get("Content-Security-Policy")!;
    for (const name of ["style", "script"]) {
      const inline = [...page.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(
        (match) => match[1]!,
      );
      expect(inline).toHaveLength(1);
      const hash = createHash("sha256").update(inline[0]!).digest("base64");
      expect(policy).toContain(`${name}-src 'sha256-${hash}'`);
    }
    expect(policy).toMatch(/^default-src 'none'/);
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(page).not.toMatch(/\s(style|on\w+)=|(src|href)="(?!data:,)/);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("X-Frame-Options")).toBe("DENY");
  });

  it("answers 204 as long as nothing happened", async () => {
    const { visitor, viewer } = watchedApp({});
    await visitor().get("/read");
    expect((await viewer.get("/inspect?since=0")).status).toBe(200);
    expect((await viewer.get("/inspect?since=1")).status).toBe(204);
  });

  it("has no other methods, and no other actions", async () => {
    const { viewer, send } = watchedApp({});
    expect((await viewer.fetch("/inspect", { method: "DELETE" })).status).toBe(405);
    expect((await send({ action: "drop" })).status).toBe(400);
    expect((await send({ action: "revoke", selector: "a" })).status).toBe(400);
  });
});

describe("the inspector's forms", () => {
  const foreign: [string, Record<string, string>][] = [
    ["another site", { "Sec-Fetch-Site": "cross-site" }],
    ["another host of the same site", { "Sec-Fetch-Site": "same-site" }],
    ["the address bar", { "Sec-Fetch-Site": "none" }],
    ["another origin", { Origin: "http://evil.example" }],
    ["another port", { Origin: "http://app.example:8080" }],
    ["nowhere", { Origin: "null" }],
    ["a client that sends neither header", {}],
    ["another site with our Origin", { "Sec-Fetch-Site": "cross-site", Origin: "http://app.example" }],
  ];

  it.each(foreign)("are refused from %s", async (_, headers) => {
    const { manager, visitor, send } = watchedApp({ store: memoryStore() });
    await visitor().get("/own?owner=ada");
    expect((await send({ action: "revoke-all", owner: "ada" }, headers)).status).toBe(403);
    expect(await manager.list("ada")).toHaveLength(1);
  });

  it.each([
    { "Sec-Fetch-Site": "same-origin" },
    { Origin: "http://app.example" },
    { Origin: "https://app.example" },
  ])("are taken from the page itself: %j", async (headers) => {
    const { manager, visitor, send } = watchedApp({ store: memoryStore() });
    await visitor().get("/own?owner=ada");
    const answer = await send({ action: "revoke-all", owner: "ada" }, headers as Record<string, string>);
    expect([answer.status, answer.headers.get("Location")]).toEqual([303, "?owner=ada"]);
    expect(await manager.list("ada")).toEqual([]);
  });

  it("report a body that was read before", async () => {
    const inspect = inspector(new SessionManager({ secretKey: "for tests" }), { authorize: () => true });
    const request = new Request("http://app.example/", {
      method: "POST",
      body: new URLSearchParams({ action: "inspect", cookie: "a" }),
      headers: { Origin: "http://app.example" },
    });
    await request.text();
    const response = await inspect(request);
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining("was already read"),
    ]);
  });

  it("are not read beyond the size of a cookie, announced or not", async () => {
    const { send, app } = watchedApp({});
    expect((await send({ action: "inspect", cookie: "a".repeat(70_000) })).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    const request = new Request("http://app.example/inspect", {
      method: "POST",
      body: endless,
      duplex: "half",
      headers: { "Sec-Fetch-Site": "same-origin" },
    });
    expect((await app(request)).status).toBe(413);
    expect(sent).toBeLessThan(10);
  });
});

describe("a pasted cookie", () => {
  const paste = async (app: ReturnType<typeof watchedApp>, cookie: string) =>
    textOf(await (await app.send({ action: "inspect", cookie })).text());

  it("is decoded, and verified with the app's own key", async () => {
    const app = watchedApp({});
    const ada = app.visitor();
    await ada.get(`/set?username=${encodeURIComponent("张三 & <b>")}`);
    const cookie = await app.cookieOf(ada);
    for (const form of [cookie, `Cookie: other=1; ${cookie}`, `Set-Cookie: ${cookie}; HttpOnly; Path=/`]) {
      const seen = await paste(app, form);
      expect(seen).toContain("Accepted by this app.");
      expect(seen).toContain("&#34;username&#34;: &#34;张三 &#38; &#60;b&#62;&#34;");
      expect(seen).toMatch(/Time when it was signed \d{4}-/);
    }
  });

  it("is refused with the reason, and what it says is shown as not verified", async () => {
    const clock = testClock();
    const app = watchedApp({ now: clock.now, lifetime: 60 });
    const ada = app.visitor();
    await ada.get("/set?username=ada");
    const cookie = await app.cookieOf(ada);
    expect(await paste(app, `${cookie.slice(0, -4)}AAAA`)).toMatch(
      /Refused by this app: the signature does not match the data\. bad_signature.*not verified .*ada/,
    );
    clock.advance(61);
    expect(await paste(app, cookie)).toMatch(/Refused by this app: it has expired\. expired/);
  });

  it("is unsealed for an authorised user", async () => {
    const app = watchedApp({ secretKey: STRONG, codec: "sealed" });
    const ada = app.visitor();
    await ada.get("/set?username=ada");
    expect(await paste(app, await app.cookieOf(ada))).toMatch(/Accepted by this app\. .*username.*ada/);
    expect(await paste(app, "session=whatever")).toMatch(/Refused by this app/);
  });

  it("of a store shows its record, hides the verifier, and removes no flashed message", async () => {
    const app = watchedApp({ store: memoryStore() });
    const ada = app.visitor();
    await ada.get("/own?owner=ada");
    await ada.get("/flash");
    const cookie = await app.cookieOf(ada);
    const [selector, verifier] = cookie.slice("session=".length).split(".") as [string, string];
    const page = await (await app.send({ action: "inspect", cookie })).text();
    expect(textOf(page)).toMatch(
      new RegExp(`Accepted by this app\\. .*Selector .*${selector} .*_flashes.*once.*Owner ada`),
    );
    expect(page).not.toContain(verifier);
    expect(await ada.sessionTransaction((session) => session.getFlashedMessages())).toEqual(["once"]);
    expect(await paste(app, `${selector}.${"A".repeat(43)}`)).toMatch(
      /Refused by this app: there is no such session/,
    );
    expect(await paste(app, "session=rubbish")).toMatch(
      /Refused by this app: it is not a session token\. malformed/,
    );
  });

  it.each<[string, SessionOptions]>([
    ["without a key", { secretKey: null }],
    [
      "with an interface of its own",
      { sessionInterface: { openSession: () => createSession(), saveSession: () => {} } },
    ],
  ])("is only decoded by an app %s", async (_, options) => {
    const seen = await paste(
      watchedApp(options),
      "eyJ1c2VybmFtZSI6ImFkYSJ9.ZVPvAA.MCw4yEpmT9yzZsGbRTwuZ3HmXyM",
    );
    expect(seen).toMatch(/no secret key to verify it\. .*not verified .*ada.*2023-/);
  });

  it.each([
    "",
    "=",
    ";",
    "a".repeat(16_000),
    "<script>alert(1)</script>",
    ".eJw.x.y",
    "\u0000",
    "Cookie:",
    "%00",
  ])("may be anything: %j", async (cookie) => {
    const app = watchedApp({});
    const response = await app.send({ action: "inspect", cookie });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("<script>alert");
  });
});

describe("the sessions of an owner", () => {
  it("are listed and ended, one or all", async () => {
    const { manager, visitor, viewer, send } = watchedApp({
      store: memoryStore(),
      storeOptions: { device: ({ headers }) => headers.get("User-Agent") },
    });
    const [phone, desk] = [visitor(), visitor()];
    for (const [client, name] of [
      [phone, "<Phone>"],
      [desk, "Desk"],
    ] as const) {
      await client.fetch("/own?owner=ada", { headers: { "User-Agent": name } });
    }
    const page = await (await viewer.get("/inspect?owner=ada")).text();
    expect(page).toContain("&#60;Phone&#62;");
    expect(page.match(/aria-label="End session/g)).toHaveLength(2);
    const listed = await manager.list("ada");
    const onPhone = listed.find(({ device }) => device === "<Phone>")!;
    await send({ action: "revoke", selector: onPhone.selector, owner: "ada" });
    expect((await manager.list("ada")).map(({ device }) => device)).toEqual(["Desk"]);
    expect(await phone.sessionTransaction((session) => session.owner)).toBeNull();
    expect(await desk.sessionTransaction((session) => session.owner)).toBe("ada");
  });

  it("need a store, and report when it fails", async () => {
    expect(await (await watchedApp({}).viewer.get("/inspect?owner=ada")).text()).not.toContain(
      "Live sessions",
    );
    const store = faultyStore(memoryStore());
    const { viewer, send } = watchedApp({ store });
    store.fail("read");
    const response = await viewer.get("/inspect?owner=ada");
    expect([response.status, textOf(await response.text())]).toEqual([
      503,
      expect.stringContaining("The store does not respond"),
    ]);
    store.fail("all");
    expect((await send({ action: "revoke-all", owner: "ada" })).status).toBe(503);
    expect((await send({ action: "inspect", cookie: `${"a".repeat(16)}.${"A".repeat(43)}` })).status).toBe(
      503,
    );
  });
});

describe("nodeListener", () => {
  const listening = async (server: Server) => {
    if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it.each<[string, (app: ReturnType<typeof express>) => unknown]>([
    ["as it is", () => {}],
    ["behind a parser of forms", (app) => app.use(express.urlencoded())],
    ["behind a parser of JSON", (app) => app.use(express.json())],
  ])("serves the page in Express 5 and 4, %s", async (_, prepare) => {
    for (const make of [express, express4]) {
      const manager = new SessionManager({ secretKey: "for tests" });
      const app = make();
      app.use(expressSessions(manager));
      prepare(app);
      app.all(
        "/deep/inspect",
        nodeListener(inspector(manager, { authorize: () => session.role === "admin" })),
      );
      const server = app.listen(0, "127.0.0.1");
      try {
        const url = await listening(server);
        const client = testClient(url, { sessions: manager });
        expect((await client.get("/deep/inspect")).status).toBe(403);
        await client.get("/deep/elsewhere?private=1");
        await client.sessionTransaction((session) => (session.role = "admin"));
        const page = textOf(await (await client.get("/deep/inspect")).text());
        expect(page).toMatch(/GET \/deep\/elsewhere not accessed 404 .* Inspect a cookie/);
        const sent = await client.fetch("/deep/inspect", {
          method: "POST",
          body: new URLSearchParams({ action: "inspect", cookie: await client.jar.getCookieString(url) }),
          headers: { Origin: url },
        });
        expect(textOf(await sent.text())).toMatch(/Accepted by this app\. .*admin/);
        const head = await client.fetch("/deep/inspect", { method: "HEAD" });
        expect([head.status, await head.text()]).toEqual([200, ""]);
      } finally {
        server.close();
      }
    }
  });

  it("answers for what goes wrong, so that no server falls over it", async () => {
    const manager = new SessionManager({ secretKey: "for tests" });
    const errors: unknown[] = [];
    const log = console.error;
    console.error = (error) => errors.push(error);
    const listener = nodeListener(
      inspector(manager, { authorize: () => Promise.reject(new Error("no directory")) }),
    );
    const server = createServer((req, res) => void listener(req, res)).listen(0, "127.0.0.1");
    try {
      const url = await listening(server);
      expect((await fetch(url)).status).toBe(500);
      expect(errors).toMatchObject([{ message: "no directory" }]);
      const { request } = await import("node:http");
      for (const odd of [{ method: "TRACE" }, { headers: { Host: "not a host" } }]) {
        const status = await new Promise((resolve, reject) => {
          request(url, odd, (response) => resolve(response.resume().statusCode))
            .on("error", reject)
            .end();
        });
        expect(status).toBe(400);
      }
    } finally {
      console.error = log;
      server.close();
    }
  });
});
