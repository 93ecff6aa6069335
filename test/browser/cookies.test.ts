import { createServer } from "node:http";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { session, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { launchChromium, skipWithoutChromium } from "../support/chromium.ts";

const secretKey = "thirty-two bytes and a few more, for hardened";
const HOST = "shop.example";

/** The slow request waits here until it is let go. */
let letGo: (() => void) | undefined;
let hasBegun: () => void;

async function view(path: string): Promise<string> {
  if (path.endsWith("/login")) session.username = "ada";
  if (path.endsWith("/logout")) session.destroy();
  if (path.endsWith("/slow")) {
    session.late = true;
    hasBegun();
    await new Promise<void>((resolve) => (letGo = resolve));
  }
  return `hello, ${session.username ?? "stranger"}`;
}

const configurations: Array<[name: string, options: SessionOptions, host?: string]> = [
  ["Flask's defaults", {}],
  ["hardened", { hardened: true }],
  ["a __Host- name", { cookieName: "__Host-s", cookieSecure: true }],
  ["a __Secure- name and a path", { cookieName: "__Secure-s", cookieSecure: true, cookiePath: "/app" }],
  ["SameSite=Strict and no HttpOnly", { cookieSameSite: "Strict", cookieHttpOnly: false }],
  ["SameSite=None", { cookieSameSite: "None", cookieSecure: true }],
  ["Partitioned", { cookiePartitioned: true, cookieSameSite: "None", cookieName: "__Host-p" }],
  ["a path", { cookiePath: "/app" }],
  ["no path", { cookiePath: null }],
  ["a domain", { cookieDomain: HOST, cookieName: "d" }, `www.${HOST}`],
  ["a domain and a path", { cookieDomain: `.${HOST}`, cookiePath: "/app" }, HOST],
];

describe.skipIf(skipWithoutChromium)("the session cookie in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium([HOST, `www.${HOST}`]);
  });
  afterAll(() => browser?.close());

  /** A server and a browser of its own. */
  async function open(options: SessionOptions, host = "localhost") {
    const handler = sessions({
      secretKey,
      ...options,
      storeOptions: { sweepEvery: 0, ...options.storeOptions },
    });
    const server: Listening = await listen(
      createServer(
        handler(async (req, res) => {
          res.setHeader("Content-Type", "text/plain");
          res.end(await view(req.url!));
        }),
      ),
    );
    const context: BrowserContext = await browser.newContext();
    const page = await context.newPage();
    const visit = async (path: string) =>
      (await page.goto(`http://${host}:${server.port}/app${path}`))!.text();
    const close = async () => (await context.close(), await server.close());
    return { context, page, visit, close };
  }

  describe.each([
    ["a cookie", () => ({})],
    ["a store", () => ({ store: memoryStore() })],
  ])("with its data in %s", (_, kept) => {
    it.each(configurations)(
      "is kept and, at logout, gone: %s (SEC-50, SEC-51, SEC-56)",
      async (_, options, host) => {
        const { context, visit, close } = await open({ ...kept(), ...options }, host);
        expect(await visit("/")).toBe("hello, stranger");
        expect(await context.cookies()).toHaveLength(0);
        await visit("/login");
        expect(await visit("/")).toBe("hello, ada");
        expect(await context.cookies()).toHaveLength(1);
        await visit("/logout");
        expect(await context.cookies()).toHaveLength(0);
        expect(await visit("/")).toBe("hello, stranger");
        await close();
      },
    );
  });

  it("stays the newer one when a request from before logout and login answers last (SEC-16)", async () => {
    const { context, page, visit, close } = await open({ store: memoryStore() });
    const jar = async () => (await context.cookies())[0]?.value;
    await visit("/login");
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const slow = page.evaluate(() => fetch("/app/slow").then((response) => response.text()));
    await begun;
    const other = await context.newPage();
    for (const path of ["/logout", "/login"]) await other.goto(new URL(`/app${path}`, page.url()).href);
    const newer = await jar();
    letGo!();
    await slow;
    expect(newer).toBeDefined();
    expect(await jar()).toBe(newer);
    expect(await visit("/")).toBe("hello, ada");
    await close();
  });
});
