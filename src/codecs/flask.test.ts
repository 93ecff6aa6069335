import * as fc from "fast-check";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readFlaskVectors } from "../../test/flask-vectors.ts";
import type { CookieVector } from "../../test/flask-vectors.ts";
import { ConfigError } from "../errors.ts";
import { Signer } from "../itsdangerous/signer.ts";
import { encodeTimestamp } from "../itsdangerous/timestamp-signer.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { CodecContext } from "./codec.ts";
import { flaskCodec } from "./flask.ts";
import type { FlaskCodecOptions } from "./flask.ts";

const json = new TaggedJSONSerializer();
const bytes = ({ hex }: { hex: string }) => Buffer.from(hex, "hex");

function codecOf(vector: CookieVector) {
  return flaskCodec({
    secretKey: bytes(vector.secret_key),
    secretKeyFallbacks: vector.fallback_keys.map(bytes),
    salt: vector.salt,
    digest: vector.digest,
    keyDerivation: vector.key_derivation,
    compress: "flask",
  });
}

function contextOf({ now, max_age: maxAge }: CookieVector) {
  return { now: now * 1000, maxAge, cookieName: "session" };
}

describe("flaskCodec, against cookies of real Flask", () => {
  const { cookies } = readFlaskVectors();

  it.each(cookies)("gives the verdict on $name ($expected)", (vector) => {
    const codec = codecOf(vector);
    const decoded = codec.decode(vector.cookie, contextOf(vector));
    const verdict = decoded.ok ? "valid" : decoded.reason;
    expect(acceptable(vector)).toContain(verdict);
    expect(codec.decode(vector.cookie, contextOf(vector))).toEqual(decoded);
  });

  it.each(cookies.filter(({ encode }) => encode !== "none"))("writes what Flask writes: $name", (vector) => {
    const codec = codecOf(vector);
    const context = { ...contextOf(vector), now: vector.timestamp * 1000 };
    const decoded = codec.decode(vector.cookie, context);
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(json.dumpsFields(decoded.fields)).toBe(vector.json);
    const own = codec.encode(decoded.fields, context);
    expect(vector.encode === "exact" ? own : vector.cookie).toBe(vector.cookie);
    expect(codecOf(vector).decode(own, context)).toEqual(decoded);
  });
});

/** The verdicts a vector leaves open; `doc` in its file explains the words. */
function acceptable({ strict, reason, expected }: CookieVector): string[] {
  const refusals = ["bad_signature", "bad_timestamp", "expired", "future", "bad_payload", "bad_shape"];
  switch (strict) {
    case "must":
      if (reason === "exact" || expected === "valid") return [expected];
      return refusals;
    case "may-reject":
      return ["valid", ...refusals];
    case "either":
      return ["valid", "bad_payload"];
    case "bomb":
      return ["bad_payload"];
  }
}

const NOW = 1_700_000_000;
const secretKey = "secret";
const context: CodecContext = { now: NOW * 1000, maxAge: 3600, cookieName: "session" };
const codec = flaskCodec({ secretKey });
const fields = json.fieldsOf({ username: "ada", visits: 7 });
const cookie = codec.encode(fields, context);

/** A cookie with any payload, signed correctly. */
function mint(payload: string, seconds = NOW): string {
  const signer = new Signer(secretKey, { salt: "cookie-session", keyDerivation: "hmac" });
  return signer.sign(`${payload}.${encodeTimestamp(seconds)}`);
}

function reason(
  text: string,
  options: Partial<FlaskCodecOptions> = {},
  at: Partial<CodecContext> = {},
): string {
  const decoded = flaskCodec({ secretKey, ...options }).decode(text, { ...context, ...at });
  return decoded.ok ? "valid" : decoded.reason;
}

describe("flaskCodec", () => {
  it("returns the fields and the time of signing", () => {
    expect(codec.decode(cookie, context)).toEqual({ ok: true, fields, signedAt: NOW });
    expect(flaskCodec({ secretKey }).decode(cookie, context)).toEqual({ ok: true, fields, signedAt: NOW });
  });

  it("signs with the secret key and verifies with the fallbacks as well (SEC-45)", () => {
    const rotated = { secretKey: "new", secretKeyFallbacks: ["oldest", secretKey] };
    expect(reason(cookie, rotated)).toBe("valid");
    expect(flaskCodec(rotated).encode(fields, context)).toBe(
      flaskCodec({ secretKey: "new" }).encode(fields, context),
    );
    expect(reason(cookie, { secretKey: "new", secretKeyFallbacks: ["oldest"] })).toBe("bad_signature");
  });

  it("refuses unless the clock is a number", () => {
    expect(reason(cookie, {}, { now: Number.NaN })).toBe("expired");
    expect(reason(cookie, {}, { maxAge: Number.NaN })).toBe("expired");
  });

  const [payload, time, signature] = cookie.split(".") as [string, string, string];
  it.each([
    ["nothing", "", "bad_signature"],
    ["a dot", ".", "bad_signature"],
    ["three dots", "...", "bad_signature"],
    ["only a payload", payload, "bad_signature"],
    ["no time", `${payload}.${signature}`, "bad_signature"],
    ["no signature", `${payload}.${time}.`, "bad_signature"],
    ["the first half", cookie.slice(0, cookie.length / 2), "bad_signature"],
    ["something appended", `${cookie}A`, "bad_signature"],
    ["something in front", `A${cookie}`, "bad_signature"],
    ["padding", `${cookie}=`, "bad_signature"],
    ["a space in front", ` ${cookie}`, "bad_signature"],
    ["quotes", `"${cookie}"`, "bad_signature"],
    ["a line end", `${cookie}\n`, "bad_signature"],
    ["junk in the payload", cookie.replace("eyJ", "ey!J"), "bad_signature"],
    ["junk in the signature", `${payload}.${time}.!${signature}`, "bad_signature"],
    ["payload and time swapped", `${time}.${payload}.${signature}`, "bad_signature"],
    ["payload and signature swapped", `${signature}.${time}.${payload}`, "bad_signature"],
    ["another time", `${payload}.${encodeTimestamp(NOW + 1)}.${signature}`, "bad_signature"],
    ["another payload", cookie.replace("eyJ1", "eyJ2"), "bad_signature"],
    ["a compression mark", `.${cookie}`, "bad_signature"],
    ["upper case", cookie.toUpperCase(), "bad_signature"],
    ["another key", flaskCodec({ secretKey: "other" }).encode(fields, context), "bad_signature"],
    ["another salt", flaskCodec({ secretKey, salt: "other" }).encode(fields, context), "bad_signature"],
    ["another digest", flaskCodec({ secretKey, digest: "sha256" }).encode(fields, context), "bad_signature"],
    ["letters beyond ASCII", "é".repeat(200), "bad_signature"],
    ["half of a surrogate pair", `\ud800${cookie}`, "bad_signature"],
    ["16 KiB", "a".repeat(16_384), "bad_signature"],
    ["16 KiB and one", "a".repeat(16_385), "too_long"],
    ["a megabyte", `${"a".repeat(1 << 20)}.${time}.${signature}`, "too_long"],
    [
      "a time that is missing",
      new Signer(secretKey, { salt: "cookie-session", keyDerivation: "hmac" }).sign("e30"),
      "bad_timestamp",
    ],
    ["one second from the future", mint("e30", NOW + 1), "future"],
    ["the largest time", mintTime("__________8"), "future"],
    ["a time of nine bytes", mintTime("AAAAAAAAAAAA"), "bad_timestamp"],
    ["the oldest good age", mint("e30", NOW - 3600), "valid"],
    ["one second too old", mint("e30", NOW - 3601), "expired"],
    ["expired and unreadable", mint("!!", NOW - 3601), "expired"],
    ["a payload that is no base64", mint("e3!0"), "bad_payload"],
    ["an empty payload", mint(""), "bad_payload"],
    ["an empty compressed payload", mint("."), "bad_payload"],
    [
      "a payload that is no UTF-8",
      mint(Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")),
      "bad_payload",
    ],
    ["a byte order mark", mint(Buffer.from("\ufeff{}").toString("base64url")), "bad_payload"],
    ["a list", mint("W10"), "bad_shape"],
    ["a tuple", mint(Buffer.from('{" t":[]}').toString("base64url")), "bad_shape"],
    ["100 000 brackets", mint(`.${deflateSync("[".repeat(1e5)).toString("base64url")}`), "bad_payload"],
    [
      "bytes after the stream",
      mint(`.${Buffer.concat([deflateSync("{}"), Buffer.from("junk")]).toString("base64url")}`),
      "valid",
    ],
  ])("handles %s", (_, text, verdict) => {
    expect(reason(text)).toBe(verdict);
    expect(reason(text, { cache: false })).toBe(verdict);
  });

  function mintTime(segment: string): string {
    return new Signer(secretKey, { salt: "cookie-session", keyDerivation: "hmac" }).sign(`e30.${segment}`);
  }

  it("never verifies a string with flipped bits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(cookie.length - 1), fc.integer({ min: 1, max: 0xffff })), { minLength: 1 }),
        (flips) => {
          const units = Array.from({ length: cookie.length }, (_, index) => cookie.charCodeAt(index));
          for (const [index, mask] of flips) units[index]! ^= mask;
          const flipped = String.fromCharCode(...units);
          expect(codec.decode(flipped, context).ok).toBe(flipped === cookie);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("never throws, whatever the text", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 300 });
    const signed = anyText.map((text) => mint(Buffer.from(text).toString("base64url")));
    fc.assert(
      fc.property(fc.oneof(anyText, signed), (text) => {
        expect(() => codec.decode(text, context)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe("flaskCodec, compression", () => {
  const isCompressed = (text: string) => text.startsWith(".");
  const repetitive = (length: number) => new Map([["v", JSON.stringify("ab".repeat(length / 2))]]);

  it("tries at any size with the rule of Flask", () => {
    const flask = flaskCodec({ secretKey, compress: "flask" });
    expect(isCompressed(flask.encode(repetitive(100), context))).toBe(true);
    expect(isCompressed(flask.encode(fields, context))).toBe(false);
  });

  it("tries by default when the cookie approaches the limit of browsers", () => {
    const overhead = '{"v":""}'.length;
    expect(isCompressed(codec.encode(repetitive(2814 - overhead), context))).toBe(false);
    expect(isCompressed(codec.encode(repetitive(2816 - overhead), context))).toBe(true);
  });

  it("leaves room for name and attributes below that point, with the longest signature", () => {
    const longest = flaskCodec({ secretKey, digest: "sha512" });
    expect(longest.encode(repetitive(2806), context).length).toBeLessThan(4096 - 200);
  });

  it("never compresses with false", () => {
    expect(isCompressed(flaskCodec({ secretKey, compress: false }).encode(repetitive(5000), context))).toBe(
      false,
    );
  });

  it("inflates up to the limit and no byte further (SEC-46)", () => {
    const text = JSON.stringify({ v: "a".repeat(1000) });
    const compressed = mint(`.${deflateSync(text).toString("base64url")}`);
    expect(reason(compressed, { maxInflatedSize: text.length })).toBe("valid");
    expect(reason(compressed, { maxInflatedSize: text.length - 1 })).toBe("bad_payload");
  });

  it("compresses no more than it inflates again", () => {
    const small = flaskCodec({ secretKey, maxInflatedSize: 5000, cache: false });
    const fields = (length: number) =>
      new Map([["v", JSON.stringify("a".repeat(length - '{"v":""}'.length))]]);
    for (const length of [5000, 5001])
      expect(small.decode(small.encode(fields(length), context), context)).toMatchObject({ ok: true });
    expect(isCompressed(small.encode(fields(5000), context))).toBe(true);
    expect(isCompressed(small.encode(fields(5001), context))).toBe(false);
  });
});

describe("flaskCodec, remembered cookies", () => {
  it("checks the age at every use", () => {
    const remembering = flaskCodec({ secretKey });
    const text = mint("e30");
    const at = (seconds: number) => remembering.decode(text, { ...context, now: seconds * 1000 });
    expect(at(NOW).ok).toBe(true);
    expect(at(NOW + 3601)).toEqual({ ok: false, reason: "expired" });
    expect(at(NOW - 1)).toEqual({ ok: false, reason: "future" });
    expect(at(NOW + 3600).ok).toBe(true);
  });

  it("gives the order of the string for a cookie it has just written, not the order it was given", () => {
    const writer = flaskCodec({ secretKey });
    const text = writer.encode(
      new Map([
        ["b", "1"],
        ["a", "2"],
      ]),
      context,
    );
    const [own, other] = [writer, flaskCodec({ secretKey })].map((codec) => codec.decode(text, context));
    expect(own!.ok && [...own!.fields]).toEqual([
      ["a", "2"],
      ["b", "1"],
    ]);
    expect(own).toEqual(other);
  });

  it("is not moved by changes to the fields that were written", () => {
    const writer = flaskCodec({ secretKey });
    const mutable = new Map([["a", "1"]]);
    const text = writer.encode(mutable, context);
    mutable.set("a", "2");
    const decoded = writer.decode(text, context);
    expect(decoded.ok && decoded.fields.get("a")).toBe("1");
  });

  it("does not take a forged string for the remembered one with the same signature", () => {
    const remembering = flaskCodec({ secretKey });
    expect(remembering.decode(cookie, context).ok).toBe(true);
    const forged = `${Buffer.from('{"username":"eve"}').toString("base64url")}${cookie.slice(cookie.indexOf("."))}`;
    expect(remembering.decode(forged, context)).toEqual({ ok: false, reason: "bad_signature" });
    expect(remembering.decode(cookie, context).ok).toBe(true);
  });

  it("decodes a repeated cookie once, and every time without a cache", () => {
    const counting = (cache: number | false) => {
      let reads = 0;
      const counted = flaskCodec({
        secretKey,
        cache,
        json: {
          dumpsFields: (fields) => json.dumpsFields(fields),
          loadsFields: (text) => {
            reads += 1;
            return json.loadsFields(text);
          },
        },
      });
      for (let round = 0; round < 3; round += 1) counted.decode(cookie, context);
      for (let index = 0; index < 3000; index += 1)
        counted.decode(`${cookie.slice(0, -4)}${1000 + index}`, context);
      counted.decode(cookie, context);
      return reads;
    };
    expect(counting(4096)).toBe(1);
    expect(counting(0)).toBe(4);
    expect(counting(false)).toBe(4);
  });
});

describe("flaskCodec, mayHold", () => {
  const text = (content: string) => mint(Buffer.from(content).toString("base64url"));
  const permanent = (cookie: string, codec = flaskCodec({ secretKey, cache: false })) =>
    codec.mayHold(cookie, "_permanent");

  it("says no only when the key is surely absent", () => {
    expect(permanent(text('{"a":1}'))).toBe(false);
    expect(permanent(text('{"_permanent":true}'))).toBe(true);
    expect(permanent(text('{"\\u005fpermanent":true}'))).toBe(true);
    expect(permanent(mint(`.${deflateSync('{"_permanent":true}').toString("base64url")}`))).toBe(true);
    expect(permanent("a".repeat(20_000))).toBe(false);
    expect(permanent("")).toBe(false);
  });

  it("is exact about a cookie it remembers", () => {
    const remembering = flaskCodec({ secretKey });
    const nested = text('{"a":{"_permanent":true}}');
    expect(permanent(nested, remembering)).toBe(true);
    remembering.decode(nested, context);
    expect(permanent(nested, remembering)).toBe(false);
  });

  it("agrees with what decoding finds", () => {
    for (const vector of readFlaskVectors().cookies) {
      const codec = codecOf(vector);
      const decoded = codec.decode(vector.cookie, contextOf(vector));
      for (const key of decoded.ok ? decoded.fields.keys() : []) {
        expect(codecOf(vector).mayHold(vector.cookie, key)).toBe(true);
        expect(codec.mayHold(vector.cookie, key)).toBe(true);
      }
    }
  });
});

describe("flaskCodec, options", () => {
  it.each<[string, Record<string, unknown>]>([
    ["no secret", { secretKey: undefined }],
    ["an empty secret", { secretKey: "" }],
    ["a list of secrets", { secretKey: ["a", "b"] }],
    ["a number as secret", { secretKey: 12_345 }],
    ["a string as fallbacks", { secretKeyFallbacks: "old" }],
    ["bytes as fallbacks", { secretKeyFallbacks: Buffer.from("old") }],
    ["an empty fallback", { secretKeyFallbacks: ["old", ""] }],
    ["an unknown digest", { digest: "md5" }],
    ["an unknown derivation", { keyDerivation: "pbkdf2" }],
    ["an unknown way to compress", { compress: true }],
    ["a length that is no number", { maxCookieLength: "4096" }],
    ["a length of zero", { maxCookieLength: 0 }],
    ["an unlimited size", { maxInflatedSize: Number.POSITIVE_INFINITY }],
    ["a negative cache", { cache: -1 }],
    ["a cache that is just on", { cache: true }],
  ])("refuses %s", (_, options) => {
    expect(() => flaskCodec({ secretKey, ...options } as FlaskCodecOptions)).toThrow(ConfigError);
  });
});
