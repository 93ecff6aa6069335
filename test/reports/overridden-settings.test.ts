/**
 * A `get…` method of an interface may return anything. What no cookie can carry is an error where the cookie is written; it
 * is never a cookie of another name, without a protection that was meant, or one that browsers drop.
 *
 * - jshttp/cookie#167, symfony/symfony#65023, Kludex/starlette#3224: a name, a path or a domain that holds a semicolon adds
 *   attributes
 */
import { describe, expect, it, vi } from "vitest";
import { sessions } from "../../src/adapters/fetch.ts";
import { djangoSessions } from "../../src/django.ts";
import {
  resolveOptions,
  resolveStoreOptions,
  SecureCookieSessionInterface,
  session,
  StoreSessionInterface,
  type SessionInterface,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";

const PLAIN = { secretKey: "overridden", cookieSameSite: "Lax", cookieSecure: true } as const;
const HOMES: Record<string, () => SessionInterface> = {
  "in a cookie": () => new SecureCookieSessionInterface(resolveOptions(PLAIN)),
  "in a store": () => new StoreSessionInterface(resolveStoreOptions({ ...PLAIN, store: memoryStore() })),
};

/** Logs in, or with a cookie has it removed, where a method returns a value. @returns the cookie's line, or the message of the error */
async function lineOf(home: SessionInterface, method: string, value: unknown, cookie = ""): Promise<string> {
  const error = vi.spyOn(console, "error").mockReturnValue();
  const sessionInterface = Object.assign(home, { [method]: () => value });
  const app = sessions({ sessionInterface })(() => {
    // What is no key of Django's is deleted, and nothing has to be looked up for it.
    if (cookie !== "") return new Response(String(session.name));
    session.permanent = true;
    session.name = "ada";
    return new Response("welcome");
  });
  const { status, headers } = await app(new Request("https://www.example.com/", { headers: { cookie } }));
  const [thrown] = error.mock.calls.at(-1) ?? [];
  error.mockRestore();
  if (status === 500) return String((thrown as Error).message);
  return headers.getSetCookie().join("\n");
}

const INJECTED = "a; Domain=evil.example";
const BROKEN = "a\r\nSet-Cookie: b=c";
const MISTAKES: Record<string, readonly unknown[]> = {
  getCookieName: [
    undefined,
    null,
    "",
    Promise.resolve("sid"),
    INJECTED,
    BROKEN,
    "a b",
    "a,b",
    "büro",
    "a\0",
    1,
    {},
  ],
  getCookieDomain: [
    Promise.resolve("example.com"),
    false,
    1,
    {},
    INJECTED,
    BROKEN,
    "a b",
    "a,b",
    "https://example.com",
    "a\0",
  ],
  getCookiePath: ["", "shop", Promise.resolve("/shop"), false, 1, {}, BROKEN, `/${BROKEN}`, "/a\0"],
  getCookieHttpOnly: [undefined, null, Promise.resolve(true), "true", 1, 0, {}],
  getCookieSecure: [undefined, null, Promise.resolve(true), "true", "automatic", 1, 0, {}],
  getCookieSameSite: [
    "",
    "sometimes",
    Promise.resolve("Lax"),
    true,
    1,
    {},
    "Lax; Domain=evil.example",
    BROKEN,
  ],
  getCookiePartitioned: [undefined, null, Promise.resolve(true), "true", 1, 0, {}],
  getExpirationTime: [
    Promise.resolve(1),
    "",
    "tomorrow",
    new Date(),
    true,
    NaN,
    Infinity,
    Date.now() / 1000 + 60,
  ],
};
const SAME: Record<string, readonly (readonly [value: unknown, written: RegExp])[]> = {
  getCookieName: [["sid", /^sid=[^;]+; Expires/]],
  getCookieDomain: [
    [undefined, /^(?!.*Domain)/],
    [null, /^(?!.*Domain)/],
    ["", /^(?!.*Domain)/],
    ["example.com", /; Domain=example\.com;/],
  ],
  getCookiePath: [
    [null, /^(?!.*Path)/],
    ["/a;b", /; Path=\/a%3Bb;/],
  ],
  getCookieHttpOnly: [[false, /^(?!.*HttpOnly)/]],
  getCookieSecure: [
    [false, /^(?!.*Secure)/],
    ["auto", /; Secure;/],
  ],
  getCookieSameSite: [
    [null, /^(?!.*SameSite)/],
    ["strict", /; SameSite=Strict$/],
  ],
  getCookiePartitioned: [[true, /; Partitioned$/]],
  getExpirationTime: [
    [undefined, /^(?!.*Expires)/],
    [null, /^(?!.*Expires)/],
    [Date.UTC(2040, 0, 1), /; Expires=Sun, 01 Jan 2040 00:00:00 GMT;/],
  ],
};

for (const [where, home] of Object.entries(HOMES)) {
  describe.each(Object.entries(MISTAKES))(`%s of sessions ${where}`, (method, values) => {
    it.each(values.map((value) => [value]))("is refused by name where it returns %j", async (value) => {
      expect(await lineOf(home(), method, value)).toContain(`What ${method}() returns`);
    });

    it.each(SAME[method]!)("takes %j", async (value, written) => {
      expect(await lineOf(home(), method, value)).toMatch(written);
    });
  });
}

describe("the option device", () => {
  it("cannot answer later, since a promise would be stored as {}", async () => {
    const device = () => Promise.reject(new Error("the address is not known")) as never;
    const options = { ...PLAIN, store: memoryStore(), storeOptions: { device } };
    const home = new StoreSessionInterface(resolveStoreOptions(options));
    expect(await lineOf(home, "getCookieName", "sid")).toContain('"device" must return');
  });
});

describe("Django's cookie", () => {
  it.each(Object.entries(MISTAKES).slice(1, -1))("refuses mistakes of %s as well", async (method, values) => {
    for (const value of values) {
      const home = djangoSessions({ query: () => Promise.reject(new Error("not asked")) } as never, PLAIN);
      expect(await lineOf(home, method, value, "sessionid=short")).toContain(`What ${method}() returns`);
    }
  });
});
