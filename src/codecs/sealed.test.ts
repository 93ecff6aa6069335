import crypto, { randomBytes } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { CodecContext } from "./codec.ts";
import { flaskCodec } from "./flask.ts";
import { sealedCodec } from "./sealed.ts";

/** Counts how often a ciphertext is opened, with whatever key. */
const opening = vi.spyOn(crypto, "createDecipheriv");
syncBuiltinESMExports();
beforeEach(() => void opening.mockClear());
afterAll(() => {
  opening.mockRestore();
  syncBuiltinESMExports();
});

const secretKey = randomBytes(32);
const context: CodecContext = { now: Date.UTC(2026, 0, 1), maxAge: 3600, cookieName: "session" };
const later = (seconds: number): CodecContext => ({ ...context, now: context.now + seconds * 1000 });
const fields: Fields = new Map([
  ["username", '"ada"'],
  ["price", "1.0"],
  ["seat", '{" t":[3,"b"]}'],
]);

/** A serializer that counts how often anything was parsed. */
function spying() {
  const json = new TaggedJSONSerializer();
  const spy = {
    parsed: 0,
    dumpsFields: (given: Fields) => json.dumpsFields(given),
    loadsFields(text: string) {
      spy.parsed += 1;
      return json.loadsFields(text);
    },
  };
  return spy;
}

describe("sealedCodec", () => {
  const codec = sealedCodec({ secretKey });

  it("opens what it sealed, field for field and string for string", () => {
    const decoded = codec.decode(codec.encode(fields, context), context);
    expect(decoded).toEqual({ ok: true, fields, signedAt: context.now / 1000 });
  });

  it.each([
    ["an empty session", new Map()],
    ["non-ASCII text", new Map([["ключ", '"h\\u00e9llo \\ud83c\\udf76"']])],
    ["a key that looks like a tag", new Map([[" t", "[1]"]])],
    ["a session larger than any cookie", new Map([["blob", JSON.stringify("x".repeat(9000))]])],
  ])("opens %s", (_, given) => {
    expect(codec.decode(codec.encode(given, context), context)).toMatchObject({ ok: true, fields: given });
  });

  it("never writes the same string twice, nor anything readable", () => {
    const texts = Array.from({ length: 50 }, () => codec.encode(fields, context));
    expect(new Set(texts).size).toBe(50);
    for (const text of texts) expect(Buffer.from(text, "base64url").toString("latin1")).not.toContain("ada");
  });

  it("writes only characters that every cookie may hold", () => {
    expect(codec.encode(fields, context)).toMatch(/^[\w-]+$/);
  });

  it("refuses a change of any byte, and reaches no parser", () => {
    const json = spying();
    const spied = sealedCodec({ secretKey, json });
    const bytes = Buffer.from(spied.encode(fields, context), "base64url");
    for (let i = 0; i < bytes.length; i++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[i]! ^= mask;
        expect(spied.decode(changed.toString("base64url"), context)).toMatchObject({
          ok: false,
        });
      }
    }
    expect(json.parsed).toBe(0);
  });

  it("refuses every truncation and every addition, and reaches no parser", () => {
    const json = spying();
    const spied = sealedCodec({ secretKey, json });
    const text = spied.encode(fields, context);
    for (let length = 0; length < text.length; length++) {
      expect(spied.decode(text.slice(0, length), context)).toMatchObject({
        ok: false,
      });
      expect(spied.decode(text.slice(length + 1), context)).toMatchObject({ ok: false });
    }
    for (const more of ["=", "A", "AAAA", text, ".", " "]) {
      expect(spied.decode(text + more, context)).toMatchObject({ ok: false });
    }
    expect(json.parsed).toBe(0);
  });

  it("refuses other versions as misshapen", () => {
    const bytes = Buffer.from(codec.encode(fields, context), "base64url");
    for (const version of [0, 2, 3, 255]) {
      bytes[0] = version;
      expect(codec.decode(bytes.toString("base64url"), context)).toEqual({ ok: false, reason: "bad_shape" });
    }
  });

  it("falls back to no weaker format, and reaches no parser (SEC-43)", () => {
    const json = spying();
    const spied = sealedCodec({ secretKey, json });
    const plain = '{"username":"ada"}';
    for (const text of [
      "",
      plain,
      encodeURIComponent(plain),
      Buffer.from(plain).toString("base64"),
      Buffer.from(plain).toString("base64url"),
      flaskCodec({ secretKey }).encode(fields, context),
      flaskCodec({ secretKey, compress: "flask" }).encode(
        new Map([["a", JSON.stringify("a".repeat(500))]]),
        context,
      ),
      "Fe26.2**…",
      "\u0000",
      "é",
    ]) {
      expect(spied.decode(text, context)).toMatchObject({ ok: false });
    }
    expect(json.parsed).toBe(0);
  });

  it("reaches no parser for 10 000 forged strings of the right shape (SEC-44)", () => {
    const json = spying();
    const spied = sealedCodec({ secretKey, json });
    const genuine = Buffer.from(spied.encode(fields, context), "base64url");
    for (let i = 0; i < 10_000; i++) {
      const forged = randomBytes(genuine.length);
      forged.set(genuine.subarray(0, i % 2 === 0 ? 5 : 1));
      expect(spied.decode(forged.toString("base64url"), context).ok).toBe(false);
    }
    expect(json.parsed).toBe(0);
  });

  it("refuses a string moved to another cookie name or audience (SEC-39)", () => {
    const text = codec.encode(fields, context);
    expect(codec.decode(text, { ...context, cookieName: "Session" })).toEqual({
      ok: false,
      reason: "bad_signature",
    });
    const other = sealedCodec({ secretKey, audience: "admin" });
    expect(other.decode(text, context)).toEqual({ ok: false, reason: "bad_signature" });
    expect(codec.decode(other.encode(fields, context), context)).toEqual({
      ok: false,
      reason: "bad_signature",
    });
  });

  it("keeps name and audience apart, however they are cut", () => {
    const one = sealedCodec({ secretKey, audience: '","x' });
    const two = sealedCodec({ secretKey, audience: "x" });
    expect(
      two.decode(one.encode(fields, { ...context, cookieName: "a" }), { ...context, cookieName: 'a","' }).ok,
    ).toBe(false);
  });

  it("refuses a string too long to be a cookie unread", () => {
    expect(codec.decode("A".repeat(16_385), context)).toEqual({ ok: false, reason: "too_long" });
  });

  const sizeInBytes = (text: string) =>
    Buffer.from(codec.encode(new Map([["k", JSON.stringify(text)]]), context), "base64url").length;

  describe("lengths", () => {
    it("are equal for secrets that differ by 1 to 10 characters (SEC-46)", () => {
      const lengths = Array.from(
        { length: 11 },
        (_, more) =>
          codec.encode(new Map([["token", JSON.stringify("s".repeat(10 + more))]]), context).length,
      );
      expect(new Set(lengths).size).toBe(1);
    });

    it("grow in steps of 32 bytes and do not depend on how compressible the content is", () => {
      for (let length = 0; length < 200; length++) {
        const same = sizeInBytes("a".repeat(length));
        expect((same - 45) % 32).toBe(0);
        expect(sizeInBytes(randomBytes(length).toString("hex").slice(0, length))).toBe(same);
      }
    });
  });

  describe("time", () => {
    const text = codec.encode(fields, context);

    it("is judged by the issue time inside, to the second (SEC-47)", () => {
      expect(codec.decode(text, later(3600)).ok).toBe(true);
      expect(codec.decode(text, later(3601))).toEqual({ ok: false, reason: "expired" });
    });

    it("ends earlier if the reader's lifetime is shorter", () => {
      expect(codec.decode(text, { ...later(61), maxAge: 60 })).toEqual({ ok: false, reason: "expired" });
    });

    it("does not end later if the reader's lifetime is longer: the expiry is inside too", () => {
      expect(codec.decode(text, { ...later(3601), maxAge: 86_400 })).toEqual({
        ok: false,
        reason: "expired",
      });
    });

    it("may be ahead by 60 seconds and no more", () => {
      expect(codec.decode(text, later(-60)).ok).toBe(true);
      expect(codec.decode(text, later(-61))).toEqual({ ok: false, reason: "future" });
    });

    it("may have no end", () => {
      const endless = { ...context, maxAge: Infinity };
      const opened = codec.decode(codec.encode(fields, endless), { ...endless, now: Date.UTC(9000, 0, 1) });
      expect(opened.ok).toBe(true);
    });
  });

  describe("keys", () => {
    const older = randomBytes(32);
    const oldest = randomBytes(32);
    const rotated = sealedCodec({ secretKey, secretKeyFallbacks: [older, oldest] });

    it("tries one key for every string, whatever the number of keys (SEC-41)", () => {
      for (const key of [secretKey, older, oldest]) {
        const text = sealedCodec({ secretKey: key }).encode(fields, context);
        opening.mockClear();
        expect(rotated.decode(text, context)).toMatchObject({ ok: true });
        expect(opening).toHaveBeenCalledTimes(1);
      }
    });

    it("tries none for an unknown key", () => {
      const text = sealedCodec({ secretKey: randomBytes(32) }).encode(fields, context);
      opening.mockClear();
      expect(rotated.decode(text, context)).toEqual({ ok: false, reason: "unknown_key" });
      expect(opening).toHaveBeenCalledTimes(0);
    });

    it("seals with the active key alone", () => {
      expect(codec.decode(rotated.encode(fields, context), context).ok).toBe(true);
    });

    it("carries a fleet through a rotation without one refusal, and then refuses the old key", () => {
      const next = randomBytes(32);
      const steps = [
        sealedCodec({ secretKey }),
        sealedCodec({ secretKey, secretKeyFallbacks: [next] }),
        sealedCodec({ secretKey: next, secretKeyFallbacks: [secretKey] }),
        sealedCodec({ secretKey: next }),
      ];
      for (const [i, step] of steps.entries()) {
        // While a step is rolled out, both it and the one before are serving.
        const serving = [step, steps[i - 1] ?? step];
        for (const writer of serving) {
          const text = writer.encode(fields, context);
          for (const reader of serving) expect(reader.decode(text, context).ok).toBe(true);
        }
      }
      expect(steps[3]!.decode(steps[0]!.encode(fields, context), context)).toEqual({
        ok: false,
        reason: "unknown_key",
      });
    });

    it("finds the key by its id even if the ciphertext is that of another key", () => {
      const mixed = Buffer.from(rotated.encode(fields, context), "base64url");
      mixed.set(
        Buffer.from(sealedCodec({ secretKey: older }).encode(fields, context), "base64url").subarray(1, 5),
        1,
      );
      opening.mockClear();
      expect(rotated.decode(mixed.toString("base64url"), context)).toEqual({
        ok: false,
        reason: "bad_signature",
      });
      expect(opening).toHaveBeenCalledTimes(1);
    });
  });

  describe("options", () => {
    it.each(["", "short", "a".repeat(64), new Uint8Array(32)])("refuses %j as a secret", (weak) => {
      expect(() => sealedCodec({ secretKey: weak })).toThrow(ConfigError);
      expect(() => sealedCodec({ secretKey, secretKeyFallbacks: [weak] })).toThrow(/secretKeyFallbacks\[0\]/);
    });

    it("refuses a secret listed twice", () => {
      expect(() => sealedCodec({ secretKey, secretKeyFallbacks: [secretKey] })).toThrow(ConfigError);
    });
  });

  it("does not throw for authentic content that is not a session", () => {
    const loose = (text: string) =>
      sealedCodec({ secretKey, json: { dumpsFields: () => text, loadsFields: () => new Map() } }).encode(
        fields,
        context,
      );
    expect(codec.decode(loose("{"), context)).toEqual({ ok: false, reason: "bad_payload" });
    expect(codec.decode(loose("[1]"), context)).toEqual({ ok: false, reason: "bad_shape" });
    expect(codec.decode(loose(""), context)).toEqual({ ok: false, reason: "bad_payload" });
  });
});
