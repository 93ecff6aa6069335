import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { flaskCodec } from "./flask.ts";
import { inspectCookie } from "./inspect.ts";

const NOW = Date.UTC(2026, 2, 14, 15, 9, 26);
const context = { now: NOW, maxAge: 60, cookieName: "session" };
const fields = new Map([
  ["username", '"\\u5f20\\u4e09"'],
  ["cart", '{"tea":2}'],
]);

describe("inspectCookie", () => {
  it("takes a cookie of Flask's format into data, time and signature, without a key", () => {
    const value = flaskCodec({ secretKey: "dev" }).encode(fields, context);
    const cookie = inspectCookie(value);
    expect(JSON.parse(cookie.json!)).toEqual({ username: "张三", cart: { tea: 2 } });
    expect(cookie).toMatchObject({ isCompressed: false, signedAt: new Date(NOW), problem: undefined });
    expect(`${cookie.payload}.${cookie.timestamp}.${cookie.signature}`).toBe(value);
  });

  it("inflates a compressed payload", () => {
    const long = new Map([["note", JSON.stringify("flask ".repeat(200))]]);
    const value = flaskCodec({ secretKey: "dev", compress: "flask" }).encode(long, context);
    const cookie = inspectCookie(value);
    expect(cookie.isCompressed).toBe(true);
    expect(cookie.payload[0]).toBe(".");
    expect(JSON.parse(cookie.json!)).toEqual({ note: "flask ".repeat(200) });
    expect(`${cookie.payload}.${cookie.timestamp}.${cookie.signature}`).toBe(value);
  });

  it("parses a forged cookie as well: it verifies nothing", () => {
    const cookie = inspectCookie("eyJ1c2VybmFtZSI6ImFkYSJ9.ZVPvAA.no-signature");
    expect(cookie.json).toBe('{"username":"ada"}');
    expect(cookie.signature).toBe("no-signature");
  });

  it.each([
    ["", "", ""],
    [".", "", ""],
    ["..", "", ""],
    ["no-dots", "", ""],
    ["a.b", "", "b"],
    ["a.b.c", "b", "c"],
    [".a.b.c", "b", "c"],
    ["\u0000.\u{1F36A}.\ud800", "\u{1F36A}", "\ud800"],
  ])("gives what there is of %j", (value, timestamp, signature) => {
    const cookie = inspectCookie(value);
    expect(cookie).toMatchObject({ timestamp, signature });
    const parts = [cookie.payload, cookie.timestamp, cookie.signature];
    expect(value.startsWith(parts.filter((part) => part !== "").join("."))).toBe(true);
  });

  it("says why a payload cannot be decoded", () => {
    expect(inspectCookie("%%%.ZVPvAA.sig")).toMatchObject({
      json: undefined,
      problem: expect.stringContaining("base64url"),
    });
    expect(inspectCookie(".AAAA.ZVPvAA.sig").problem).toMatch(/decompress/);
    expect(inspectCookie("_w.ZVPvAA.sig").problem).toMatch(/UTF-8/);
  });

  it("refuses to inflate a bomb", () => {
    const bomb = deflateSync(Buffer.alloc(50 * 1024 * 1024)).toString("base64url");
    const cookie = inspectCookie(`.${bomb}.ZVPvAA.sig`);
    expect(cookie.json).toBeUndefined();
    expect(cookie.problem).toMatch(/within 1048576 bytes/);
  });

  it("gives no date for a timestamp beyond all dates", () => {
    expect(inspectCookie("e30.__________8.sig").signedAt).toBeUndefined();
  });
});
