import * as fc from "fast-check";
import { flaskCodec, TaggedJSONSerializer, type Fields, type FlaskCodecOptions } from "hipflask";
import { describe, expect, it } from "vitest";
import { sessionData } from "./support/arbitraries.ts";
import { describe as portray, describeFields, toValue } from "./support/vectors/notation.ts";

const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 2 ** 31);
const context = { now: 1_700_000_000_000, maxAge: 3600, cookieName: "session" };
const json = new TaggedJSONSerializer();
const codec = flaskCodec({ secretKey: "secret" });
/** Has never seen what the other one wrote, and remembers nothing. */
const stranger = flaskCodec({ secretKey: "secret", cache: false });

const fields: fc.Arbitrary<Fields> = sessionData.map(
  ({ v }) => new Map(v.map(([key, value]) => [key, json.dumps(toValue(value))])),
);

const options: fc.Arbitrary<FlaskCodecOptions> = fc.record({
  secretKey: fc.oneof(fc.string({ minLength: 1 }), fc.uint8Array({ minLength: 1 })),
  salt: fc.oneof(fc.string(), fc.uint8Array()),
  digest: fc.constantFrom("sha1", "sha256", "sha384", "sha512"),
  keyDerivation: fc.constantFrom("hmac", "concat", "django-concat", "none"),
  compress: fc.constantFrom(...(["flask", "auto", false] as const)),
});

describe(`flaskCodec (seed ${seed})`, () => {
  it("decodes what it encodes to the same strings, whatever the session and the options", () => {
    const property = fc.property(fields, options, (fields, options) => {
      const text = flaskCodec(options).encode(fields, context);
      const decoded = flaskCodec(options).decode(text, context);
      expect(decoded).toEqual({ ok: true, fields, signedAt: 1_700_000_000 });
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  it("gives every value back with the type it has in Python", () => {
    const property = fc.property(sessionData, (data) => {
      const written = json.fieldsOf(toValue(data) as Record<string, unknown>);
      const decoded = stranger.decode(codec.encode(written, context), context);
      expect(decoded.ok && describeFields(decoded.fields)).toBe(portray(data));
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  it("refuses a cookie in which any one character is another", () => {
    const property = fc.property(
      fields,
      fc.nat(),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      (fields, place, other) => {
        const text = codec.encode(fields, context);
        const at = place % text.length;
        fc.pre(text[at] !== other);
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        expect(codec.decode(changed, context).ok).toBe(false);
        expect(stranger.decode(changed, context).ok).toBe(false);
      },
    );
    fc.assert(property, { seed, numRuns: 2000 });
  });

  it("refuses a cookie in which any one bit is flipped", () => {
    const text = codec.encode(
      new Map([
        ["user_id", "7"],
        ["cart", '[{" t":["tea",2.0]}]'],
      ]),
      context,
    );
    expect(stranger.decode(text, context).ok).toBe(true);
    for (let at = 0; at < text.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit));
        const changed = text.slice(0, at) + flipped + text.slice(at + 1);
        expect(codec.decode(changed, context)).toMatchObject({ ok: false });
        expect(stranger.decode(changed, context)).toMatchObject({ ok: false });
      }
    }
  });

  it("refuses a cookie that was signed with one thing else", () => {
    const bytes = (text: string | Uint8Array) => Buffer.from(text);
    const change = fc.constantFrom<(options: FlaskCodecOptions) => Partial<FlaskCodecOptions>>(
      ({ secretKey }) => ({ secretKey: Buffer.concat([Buffer.from("x"), bytes(secretKey)]) }),
      // Without derivation there is no salt.
      ({ salt }) => ({ salt: Buffer.concat([bytes(salt!), Buffer.from("x")]), keyDerivation: "hmac" }),
      ({ digest }) => ({ digest: digest === "sha1" ? "sha256" : "sha1" }),
      ({ keyDerivation }) => ({ keyDerivation: keyDerivation === "hmac" ? "concat" : "hmac" }),
    );
    const property = fc.property(fields, options, change, (fields, options, change) => {
      const theirs = { ...options, ...change(options) };
      const ours = {
        ...options,
        keyDerivation: theirs.salt === options.salt ? options.keyDerivation! : "hmac",
      };
      const text = flaskCodec(theirs).encode(fields, context);
      expect(flaskCodec(ours).decode(text, context)).toMatchObject({ ok: false, reason: "bad_signature" });
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  it("refuses any other string without ever throwing", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.base64String(), { minLength: 1, maxLength: 5 }).map((segments) => segments.join(".")),
    );
    const property = fc.property(text, (text) => {
      expect(codec.decode(text, context).ok).toBe(false);
    });
    fc.assert(property, { seed, numRuns: 2000 });
  });
});
