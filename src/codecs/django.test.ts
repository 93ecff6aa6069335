import { createHmac, createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ConfigError, UnserializableError } from "../errors.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { float, Markup, tuple, UUID } from "../json/values.ts";
import { djangoCodec, djangoSessionData } from "./django.ts";

const secretKey = "django-insecure-for-tests";
const context = { now: Date.UTC(2026, 0, 1), maxAge: 3600, cookieName: "sessionid" };
const codec = djangoCodec({ secretKey });
const json = new TaggedJSONSerializer();

/** The payload's string, for values that are short enough not to be compressed. */
const payloadOf = (text: string) => Buffer.from(text.slice(0, text.indexOf(":")), "base64url").toString();

/** A cookie as a holder of the key might forge it. */
function sign(payload: string, timestamp = "1vbDh2"): string {
  const key = createHash("sha256")
    .update(`django.contrib.sessions.backends.signed_cookiessigner${secretKey}`)
    .digest();
  const signed = `${payload}:${timestamp}`;
  return `${signed}:${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

describe("djangoCodec", () => {
  it.each<[what: string, value: unknown, written: string]>([
    ["tuples as lists", tuple(1, tuple("a", [2])), '{"v":[1,["a",[2]]]}'],
    ["floats as floats, also inside tuples", tuple(float(1), [float(2)]), '{"v":[1.0,[2.0]]}'],
    ["big ints", 2n ** 80n, '{"v":1208925819614629174706176}'],
    ["objects that look like Flask's tags", { " t": [1] }, '{"v":{" t":[1]}}'],
    ["characters beyond ASCII as escapes", "é🍶\u007f", '{"v":"\\u00e9\\ud83c\\udf76\\u007f"}'],
  ])("writes %s", (_, value, written) => {
    expect(payloadOf(codec.encode(new Map([["v", json.dumps(value)]]), context))).toBe(written);
  });

  it.each([
    ["bytes", new Uint8Array(3)],
    ["dates", new Date(0)],
    ["UUIDs", new UUID("0".repeat(32))],
    ["Markup", new Markup("<b>")],
    ["bytes inside a tuple", tuple(new Uint8Array(1))],
  ])("cannot write %s, as Django cannot", (_, value) => {
    const fields = new Map([["avatar", json.dumps(value)]]);
    expect(() => codec.encode(fields, context)).toThrow(UnserializableError);
    expect(() => codec.encode(fields, context)).toThrow(/avatar/);
  });

  it("gives fields back token for token, with raw characters escaped when written again", () => {
    const text = sign(
      Buffer.from('{"b": 1.50, "a":{"10":1,"9":2},"c":"\xe9"}', "latin1").toString("base64url"),
    );
    const decoded = codec.decode(text, { ...context, maxAge: Infinity });
    expect(decoded).toMatchObject({
      ok: true,
      fields: new Map([
        ["b", "1.50"],
        ["a", '{"10":1,"9":2}'],
        ["c", '"é"'],
      ]),
    });
    if (!decoded.ok) throw new Error("unreachable");
    expect(payloadOf(codec.encode(decoded.fields, context))).toBe(
      '{"b":1.50,"a":{"10":1,"9":2},"c":"\\u00e9"}',
    );
  });

  it("stops at 1 MiB of inflated data", () => {
    const bomb = deflateSync(Buffer.alloc(10 * 1024 * 1024, " ")).toString("base64url");
    const before = process.memoryUsage().arrayBuffers;
    expect(codec.decode(sign(`.${bomb}`), { ...context, maxAge: Infinity })).toEqual({
      ok: false,
      reason: "bad_payload",
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  });

  it("compresses no more than it inflates again", () => {
    const small = djangoCodec({ secretKey, maxInflatedSize: 1000 });
    const text = JSON.stringify("a".repeat(1000 - '{"v":""}'.length));
    const most = new Map([["v", text]]);
    const more = new Map([["v", JSON.stringify("a".repeat(1000))]]);
    for (const fields of [most, more])
      expect(small.decode(small.encode(fields, context), context)).toMatchObject({ ok: true, fields });
    expect(small.encode(most, context)).toMatch(/^\./);
    expect(small.encode(more, context)).not.toMatch(/^\./);
  });

  it("refuses what is nested too deeply for Python", () => {
    const deep = `{"v":${"[".repeat(600)}${"]".repeat(600)}}`;
    const text = sign(Buffer.from(deep).toString("base64url"));
    expect(codec.decode(text, { ...context, maxAge: Infinity })).toEqual({
      ok: false,
      reason: "bad_payload",
    });
  });

  it("never unpickles, compressed or not", () => {
    // Written by the PickleSerializer of Django 3.2.
    const data = djangoSessionData({ secretKey: "old".repeat(15) });
    const written =
      "gAWVHAAAAAAAAAB9lCiMAWGUSwGMAWaUXZRdlChLFIwBbZRlYXUu:1xXNig:g2TPmvlIVKqBwEpLzviKv8iKMkop3ALEKsUJSTUuX30";
    expect(data.decode(written)).toEqual({ ok: false, reason: "pickle" });
    const pickle = Buffer.from(written.slice(0, written.indexOf(":")), "base64url");
    const text = sign(`.${deflateSync(pickle).toString("base64url")}`);
    expect(codec.decode(text, { ...context, maxAge: Infinity })).toEqual({ ok: false, reason: "pickle" });
  });

  it("refuses a string too long for a cookie unread", () => {
    expect(codec.decode("a".repeat(16_385), context)).toEqual({ ok: false, reason: "too_long" });
  });

  it("is good up to the exact age, and not a fraction of a second more, as in Django", () => {
    const text = codec.encode(new Map([["v", "1"]]), context);
    const at = (age: number) => codec.decode(text, { ...context, now: context.now + age * 1000 });
    expect(at(3600)).toMatchObject({ ok: true });
    expect(at(3600.001)).toEqual({ ok: false, reason: "expired" });
  });

  it("never refuses a time in the future, as Django does not", () => {
    const text = codec.encode(new Map([["v", "1"]]), { ...context, now: context.now + 86_400_000 });
    expect(codec.decode(text, context)).toMatchObject({ ok: true });
  });

  it("guesses without verifying whether a key is in there, and never wrongly says no", () => {
    const text = codec.encode(new Map([["user", "1"]]), context);
    expect(codec.mayHold(text, "user")).toBe(true);
    expect(codec.mayHold(text, "cart")).toBe(false);
    const compressed = codec.encode(new Map([["user", JSON.stringify("x".repeat(500))]]), context);
    expect(codec.mayHold(compressed, "cart")).toBe(true);
    expect(codec.mayHold(codec.encode(new Map([["é", "1"]]), context), "é")).toBe(true);
  });

  it.each<[string, object]>([
    ["an empty secret", { secretKey: "" }],
    ["an empty fallback", { secretKey, secretKeyFallbacks: [""] }],
    ["a string as fallbacks", { secretKey, secretKeyFallbacks: "abc" }],
    ["no secret", {}],
  ])("throws for %s", (_, options) => {
    expect(() => djangoCodec(options as never)).toThrow(ConfigError);
  });
});

describe("djangoSessionData", () => {
  const data = djangoSessionData({ secretKey });
  const fields = new Map([["cart", "[1,2]"]]);

  it("reads what it wrote, however old", () => {
    expect(data.decode(data.encode(fields, 0))).toMatchObject({ ok: true, fields, signedAt: 0 });
  });

  it("refuses more keys than it reads again", () => {
    const value = (count: number) =>
      json.dumps(Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0])));
    const most = new Map([
      ["a", value(6000)],
      ["b", value(3998)],
    ]);
    expect(data.decode(data.encode(most, 0))).toMatchObject({ ok: true, fields: most });
    expect(() => data.encode(new Map([...most, ["c", "1"]]), 0)).toThrow(UnserializableError);
  });

  it("refuses more than it reads again", () => {
    const long = (megabytes: number) => new Map([["v", JSON.stringify("a".repeat(megabytes * 1024 * 1024))]]);
    expect(data.decode(data.encode(long(2), 0))).toMatchObject({ ok: true, fields: long(2) });
    expect(() => data.encode(long(4), 0)).toThrow(UnserializableError);
  });

  it("is another string than a cookie's, each of no use in the other's place", () => {
    expect(data.decode(codec.encode(fields, context))).toEqual({ ok: false, reason: "bad_signature" });
    expect(codec.decode(data.encode(fields, context.now), context)).toEqual({
      ok: false,
      reason: "bad_signature",
    });
  });

  it("takes the salt of a session store class of another name", () => {
    const own = djangoSessionData({ secretKey, salt: "django.contrib.sessions.OwnStore" });
    expect(own.decode(own.encode(fields, 0))).toMatchObject({ ok: true });
    expect(data.decode(own.encode(fields, 0)).ok).toBe(false);
  });
});
