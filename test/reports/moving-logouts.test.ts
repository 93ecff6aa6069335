/**
 * A logout stays one while visitors move from another library: its cookie, which may live for months, opens nothing again.
 *
 * - payloadcms/payload#351, auth0/nextjs-auth0#79, maxcountryman/axum-login#177: a deletion without the cookie's domain
 *   deletes nothing, and the user stays logged in
 * - forem/forem#10169: the same at a change of the domain
 * - auth0/nextjs-auth0#2222: a deletion under "/" deletes no cookie of another path
 */
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { cookieSession } from "../../src/accepts.ts";
import { sessions } from "../../src/adapters/fetch.ts";
import { ConfigError, session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { browserJar, type CookieJar } from "../../src/testing/cookie-jar.ts";
import { testClient } from "../../src/testing/test-client.ts";

const url = "https://shop.example.com/";
const page = `${url}shop/cart/`;
let time = Date.UTC(2030, 0, 1);
const now = () => time;

function oldCookies(): string[] {
  const value = Buffer.from('{"username":"ada"}').toString("base64");
  const signature = createHmac("sha1", "old").update(`old=${value}`).digest("base64url");
  return [`old=${value}`, `old.sig=${signature}`];
}

async function jarWithOld(attributes = ""): Promise<CookieJar> {
  const jar = browserJar();
  for (const line of oldCookies())
    await jar.setCookie(`${line}; Path=/; Max-Age=31536000${attributes}`, page);
  return jar;
}

function site(options: SessionOptions, jar: CookieJar) {
  const accepts = [cookieSession({ keys: ["old"], cookieName: "old" })];
  const manager = new SessionManager({ secretKey: "new", now, accepts, ...options });
  const app = sessions(manager)(({ url: at }) => {
    if (at.endsWith("/logout")) session.destroy();
    return new Response(String(session.username));
  });
  return async (path: string) => (await testClient(app, { jar, url }).get(path)).text();
}

/** A browser in which nothing changes, as a request that was sent before the answer of another. */
const frozen = (cookie: string): CookieJar => ({
  getCookieString: async () => cookie,
  setCookie: async () => {},
});

describe.each<[string, () => SessionOptions]>([
  ["in a cookie", () => ({})],
  ["in a store", () => ({ store: memoryStore({ now }) })],
])("moving to sessions %s", (_, home) => {
  it.each([
    ["no domain", ""],
    ["the host as its domain", "; Domain=shop.example.com"],
    ["a parent as its domain", "; Domain=example.com"],
    ["a path", "; Path=/shop"],
    ["a path that ends with a slash, and a domain", "; Path=/shop/; Domain=example.com"],
    ["a longer path", "; Path=/shop/cart"],
  ])("logs out where the old cookie was set with %s, and its reader was not told", async (_, attributes) => {
    const jar = await jarWithOld(attributes);
    const visit = site(home(), jar);
    expect(await visit("/shop/cart/")).toBe("ada");
    expect(await jar.getCookieString(page)).toMatch(/^session=[^;]+$/);
    await visit("/shop/cart/logout");
    expect(await jar.getCookieString(page)).toBe("");
    expect(await visit("/shop/cart/")).toBe("undefined");
  });

  it("logs out in the first request, too", async () => {
    const visit = site(home(), await jarWithOld("; Domain=example.com"));
    await visit("/logout");
    expect(await visit("/")).toBe("undefined");
  });
});

describe("an old cookie beside one of ours that is over", () => {
  it("opens nothing after a logout, with a store", async () => {
    const options = { store: memoryStore({ now }) };
    const jar = await jarWithOld();
    await site(options, jar)("/");
    const both = `${await jar.getCookieString(url)}; ${oldCookies().join("; ")}`;
    expect(await site(options, frozen(both))("/")).toBe("ada");
    await site(options, jar)("/logout");
    expect(await site(options, frozen(both))("/")).toBe("undefined");
  });

  it("opens nothing after our own has expired, in a cookie", async () => {
    const jar = await jarWithOld();
    await site({}, jar)("/");
    const both = `${await jar.getCookieString(url)}; ${oldCookies().join("; ")}`;
    time += 32 * 24 * 3_600_000;
    expect(await site({}, frozen(both))("/")).toBe("undefined");
  });

  it("is opened beside what was never ours", async () => {
    const both = `session=another.apps.cookie; ${oldCookies().join("; ")}`;
    expect(await site({}, frozen(both))("/")).toBe("ada");
    expect(await site({ store: memoryStore({ now }) }, frozen(both))("/")).toBe("ada");
  });
});

describe("a reader of old cookies", () => {
  it.each<[string, object]>([
    ["a path that browsers ignore", { path: "shop" }],
    ["a path with a line break", { path: "/\r\nSet-Cookie: a=b" }],
    ["a path that is not a string", { path: 1 }],
    ["a domain with an attribute", { domain: "example.com; SameSite=None" }],
    ["a domain that is none", { domain: "https://example.com" }],
    ["a name that is none", { cookieName: "old; Secure" }],
    ["an empty name", { cookieName: "" }],
  ])("refuses %s at the start, and not at the first logout", (_, options) => {
    expect(() => cookieSession({ keys: ["old"], ...options })).toThrow(ConfigError);
  });
});
