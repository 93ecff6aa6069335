import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import type { Codec } from "../codecs/codec.ts";
import { flaskCodec } from "../codecs/flask.ts";
import { session } from "../request/context.ts";
import { CookieTooLargeError, NoSecretKeyError, type HipflaskError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { resolveOptions } from "../manager/resolve-options.ts";
import { SecureCookieSessionInterface } from "./secure-cookie.ts";

const secretKey = "c29tZSByYW5kb20gYnl0ZXMgZnJvbSAvZGV2L3VyYW5kb20";
const T = Date.UTC(2026, 0, 1);
const uncompressed = flaskCodec({ secretKey, compress: false });

function visit(options: SessionOptions, cookie: string | undefined, view: () => unknown = () => {}) {
  const headers = new Headers();
  const context = new SessionManager({ secretKey, now: () => T, ...options }).requestContext({
    headers: new Headers(cookie === undefined ? {} : { Cookie: cookie }),
  });
  const seen = context.run(view);
  context.save({ headers });
  const [line] = headers.getSetCookie();
  return { seen, headers, line, cookie: line?.split(";")[0] };
}

describe("SecureCookieSessionInterface", () => {
  it("opens nothing for a request that leaves its session alone", () => {
    const { cookie } = visit({}, undefined, () => (session.a = 1));
    const refused: string[] = [];
    const answer = visit({ onRefused: (reason) => refused.push(reason) }, `${cookie}x`);
    expect([refused, [...answer.headers]]).toEqual([[], []]);
  });

  it("has an empty session without a secret key, which fails at the first write and leaves the response alone", () => {
    const { cookie } = visit({}, undefined, () => session.update({ a: 1, permanent: true }));
    const noKey = { secretKey: null };
    for (const view of [() => {}, () => session.a]) {
      const { seen, headers } = visit(noKey, cookie, view);
      expect([seen, [...headers]]).toEqual([undefined, []]);
    }
    expect(() => visit(noKey, cookie, () => (session.a = 1))).toThrow(NoSecretKeyError);
  });

  it("reports why a cookie was refused, once, at the first access", () => {
    const refused: string[] = [];
    const onRefused = (reason: string) => refused.push(reason);
    const { cookie } = visit({}, undefined, () => (session.a = 1));
    visit({ onRefused }, `${cookie}x`, () => [session.a, session.b]);
    visit({ onRefused, now: () => T + 3_000_000_000 }, cookie, () => session.a);
    visit({ onRefused, now: () => T - 5000 }, cookie, () => session.a);
    visit({ onRefused }, "session=", () => session.a);
    expect(refused).toEqual(["bad_signature", "expired", "future"]);
  });

  it("finds a cookie that only we write however others stand around it, where it is not shared with Flask", () => {
    const read = (options: SessionOptions, header: string) => visit(options, header, () => session.a).seen;
    for (const options of [{ codec: "sealed" }, { hardened: true }] as SessionOptions[]) {
      const { cookie } = visit(options, undefined, () => (session.a = 1));
      const name = cookie!.split("=", 1)[0]!;
      for (const header of [
        `a="; ${cookie}; z="`,
        `a="${cookie}"; ${cookie}; "`,
        `${name}=junk; ${cookie}`,
        `${cookie}; ${name}=junk`,
        `${name}=; ${name}="x; ${cookie}`,
        `${Array.from({ length: 6 }, (_, at) => `${name}=${at}`).join("; ")}; ${cookie}`,
      ])
        expect([header, read(options, header)]).toEqual([header, 1]);
      expect(read(options, `a="${cookie}"`)).toBeUndefined();
      const newer = visit({ ...options, now: () => T + 5000 }, undefined, () => (session.a = 2)).cookie;
      const later = { ...options, now: () => T + 6000 };
      expect([read(later, `${cookie}; ${newer}`), read(later, `${newer}; ${cookie}`)]).toEqual([2, 2]);
      // Browsers send the cookie of the longest path first.
      const other = visit(options, undefined, () => (session.a = 3)).cookie;
      expect([read(options, `${cookie}; ${other}`), read(options, `${other}; ${cookie}`)]).toEqual([1, 3]);
    }
    // With Flask's own cookie we read what Flask reads.
    const { cookie } = visit({}, undefined, () => (session.a = 1));
    expect(read({}, `a="; ${cookie}; z="`)).toBeUndefined();
    expect(read({}, `session=junk; ${cookie}`)).toBeUndefined();
    expect(read({}, cookie!.replace(/=(.*)/, '="$1"'))).toBe(1);
  });

  it("refreshes a permanent session that was not touched, and another one not", () => {
    const permanent = visit({}, undefined, () => (session.permanent = true)).cookie;
    const plain = visit({}, undefined, () => (session.a = 1)).cookie;
    const later = { now: () => T + 60_000 };
    expect(visit(later, permanent).line).toMatch(
      /^session=.+; Expires=Sun, 01 Feb 2026 00:01:00 GMT; HttpOnly; Path=\/$/,
    );
    expect(visit(later, permanent).headers.get("Vary")).toBe("Cookie");
    expect(visit(later, plain).line).toBeUndefined();
    expect(visit({ ...later, refreshEachRequest: false }, permanent).line).toBeUndefined();
  });

  it("refreshes no more often than refreshAfter says", () => {
    const { cookie } = visit({}, undefined, () => (session.permanent = true));
    const early = visit({ refreshAfter: 60, now: () => T + 59_000 }, cookie);
    expect([...early.headers]).toEqual([]);
    expect(visit({ refreshAfter: 60, now: () => T + 60_000 }, cookie).line).toBeDefined();
    const untimed: Codec = {
      name: "untimed",
      decode: (text) => ({ ok: true, fields: new Map([["_permanent", text]]) }),
      encode: (fields) => fields.get("_permanent")!,
      mayHold: () => true,
    };
    expect(visit({ refreshAfter: 60, codec: untimed }, "session=true").line).toMatch(
      /^session=true; Expires=/,
    );
  });

  it("saves a nested change, unless trackNested is false", () => {
    const { cookie } = visit({}, undefined, () => (session.cart = [1]));
    expect(visit({}, cookie, () => session.cart.push(2)).line).toBeDefined();
    expect(visit({ trackNested: false }, cookie, () => session.cart.push(2)).line).toBeUndefined();
    expect(visit({}, cookie, () => session.cart.includes(2)).line).toBeUndefined();
  });

  it("repeats every attribute in the line that deletes the cookie", () => {
    const options: SessionOptions = {
      cookieName: "__Secure-id",
      cookieDomain: "example.com",
      cookiePath: "/app",
      cookieSecure: true,
      cookieSameSite: "none",
      cookiePartitioned: true,
    };
    const { line, cookie } = visit(options, undefined, () => (session.a = 1));
    const attributes = line!.slice(line!.indexOf(";"));
    expect(visit(options, cookie, () => session.clear()).line).toBe(
      `__Secure-id=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0${attributes.replace("; Domain=example.com", "")}`,
    );
  });

  it("warns of a cookie that is too large, names the largest keys and no value, and sends it all the same", () => {
    const errors: CookieTooLargeError[] = [];
    const fill = () => session.update({ small: 1, big: "secret ".repeat(700), bigger: "x".repeat(5000) });
    const { line } = visit(
      { codec: uncompressed, onOversize: (error) => errors.push(error) },
      undefined,
      fill,
    );
    expect(line!.length).toBeGreaterThan(4093);
    expect(errors[0]!.largest.map(([key]) => key)).toEqual(["bigger", "big", "small"]);
    expect(errors[0]!.size).toBe(line!.length);
    expect(errors[0]!.message).toContain('"bigger" (5002 bytes)');
    expect(errors[0]!.message).not.toContain("secret");
  });

  it("draws the line at exactly maxCookieSize (SEC-52)", () => {
    const { line } = visit({}, undefined, () => (session.a = 1));
    const errors: unknown[] = [];
    const options = { onOversize: (error: HipflaskError) => errors.push(error) };
    visit({ ...options, maxCookieSize: line!.length }, undefined, () => (session.a = 1));
    expect(errors).toHaveLength(0);
    visit({ ...options, maxCookieSize: line!.length - 1 }, undefined, () => (session.a = 1));
    visit(
      { ...options, codec: uncompressed, maxCookieSize: 0 },
      undefined,
      () => (session.a = "x".repeat(9000)),
    );
    expect(errors).toHaveLength(1);
  });

  it("throws where oversize is throw, and sets no cookie (SEC-52)", () => {
    const fill = () => (session.a = "x".repeat(9000));
    expect(() => visit({ codec: uncompressed, oversize: "throw" }, undefined, fill)).toThrow(
      CookieTooLargeError,
    );
  });

  it("keeps a sealed session unreadable and under its own name", () => {
    const options: SessionOptions = { hardened: true };
    const { line, cookie } = visit(options, undefined, () => (session.username = "ada"));
    expect(line).toMatch(/^__Host-Http-session=[\w-]+; Secure; HttpOnly; Path=\/; SameSite=Lax$/);
    expect(Buffer.from(cookie!.split("=")[1]!, "base64url").toString("latin1")).not.toContain("ada");
    expect(visit(options, cookie, () => session.username).seen).toBe("ada");
    const flask = visit({}, undefined, () => (session.username = "ada")).cookie!.replace(
      "session",
      "__Host-Http-session",
    );
    expect(visit(options, flask, () => session.username).seen).toBeUndefined();
  });

  it("takes settings from overridden methods, as in Flask", () => {
    class Tenants extends SecureCookieSessionInterface {
      override getCookieDomain() {
        return "tenant.example.com";
      }
    }
    const sessionInterface = new Tenants(resolveOptions({ secretKey }));
    expect(visit({ sessionInterface }, undefined, () => (session.a = 1)).line).toContain(
      "Domain=tenant.example.com",
    );
  });

  it("tells its story on diagnostics channels, without secrets and data", () => {
    const told: [unknown, unknown][] = [];
    const listen = (message: unknown, name: string | symbol) => told.push([name, message]);
    const channels = ["hipflask:opened", "hipflask:refused", "hipflask:saved"];
    for (const channel of channels) subscribe(channel, listen);
    const { cookie } = visit({}, undefined, () => (session.username = "ada"));
    visit({}, cookie, () => session.username);
    visit({}, "session=forged", () => session.username);
    for (const channel of channels) unsubscribe(channel, listen);
    expect(told).toEqual([
      ["hipflask:saved", { outcome: "write", cookieName: "session" }],
      ["hipflask:opened", { cookieName: "session", keys: 1 }],
      ["hipflask:refused", { cookieName: "session", reason: "bad_signature" }],
    ]);
  });
});
