import { describe, expect, it } from "vitest";
import { BadPayload, BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import { Serializer, type SerializerOptions, TimedSerializer } from "./serializer.ts";
import { Signer } from "./signer.ts";
import { URLSafeSerializer, URLSafeTimedSerializer } from "./url-safe.ts";
import { TimestampSigner } from "./timestamp-signer.ts";

const value = { id: 5, tags: ["a", "ü"], nested: { ok: true, none: null } };

describe.each([
  ["Serializer", Serializer],
  ["URLSafeSerializer", URLSafeSerializer],
])("%s", (_, AnySerializer) => {
  const serializer = new AnySerializer("k");

  it("returns the value", () => {
    expect(serializer.loads(serializer.dumps(value))).toEqual(value);
    for (const plain of [null, 0, "", "a.b.c", [], false]) {
      expect(serializer.loads(serializer.dumps(plain))).toEqual(plain);
    }
  });

  it("separates salts, given at construction or at the call", () => {
    const text = serializer.dumps(value, { salt: "reset" });
    expect(serializer.loads(text, { salt: "reset" })).toEqual(value);
    expect(new AnySerializer("k", { salt: "reset" }).loads(text)).toEqual(value);
    expect(() => serializer.loads(text)).toThrow(BadSignature);
  });

  it("signs with the last key and reads with all of them", () => {
    const rotated = new AnySerializer(["k", "new"]);
    expect(rotated.loads(serializer.dumps(value))).toEqual(value);
    expect(new AnySerializer("new").loads(rotated.dumps(value))).toEqual(value);
  });

  it("does not follow later changes to the secrets it was given", () => {
    const secrets = [Buffer.from("k")];
    const held = new AnySerializer(secrets);
    secrets[0]!.fill(0);
    secrets.push(Buffer.from("other"));
    const salt = "s";
    expect(serializer.loads(held.dumps(value, { salt }), { salt })).toEqual(value);
  });

  it("accepts what fallback signers accept", () => {
    const old = new AnySerializer("k", { digest: "sha1", keyDerivation: "concat" });
    const strong = new AnySerializer("k", {
      digest: "sha512",
      fallbackSigners: [{ digest: "sha256" }, { keyDerivation: "concat" }],
    });
    expect(strong.loads(old.dumps(value))).toEqual(value);
    expect(strong.loads(old.dumps(value, { salt: "s" }), { salt: "s" })).toEqual(value);
    expect(() => strong.loads(serializer.dumps(value))).toThrow(BadSignature);
    expect(() => old.loads(strong.dumps(value))).toThrow(BadSignature);
  });

  it("accepts no other way of signing without fallback signers", () => {
    const strong = new AnySerializer("k", { digest: "sha512" });
    expect(() => strong.loads(serializer.dumps(value))).toThrow(BadSignature);
  });

  it("uses another serializer for the payload", () => {
    const upper = { dumps: String, loads: (text: string) => text.toUpperCase() };
    const shouting = new AnySerializer("k", { serializer: upper });
    expect(shouting.loads(shouting.dumps("hello"))).toBe("HELLO");
  });

  it("tells an unreadable payload from a wrong signature", () => {
    const signer = new Signer("k", { salt: "itsdangerous" });
    expect(() => serializer.loads(signer.sign("{!"))).toThrow(BadPayload);
    expect(() => serializer.loads("{!.AAAA")).toThrow(BadSignature);
  });

  it("reads without trust when asked to, and never fails", () => {
    const text = serializer.dumps(value);
    const signer = new Signer("k", { salt: "itsdangerous" });
    expect(serializer.loadsUnsafe(text)).toEqual([true, value]);
    expect(serializer.loadsUnsafe(`${text}A`)).toEqual([false, value]);
    expect(serializer.loadsUnsafe("garbage")).toEqual([false, null]);
    expect(serializer.loadsUnsafe("{!.AAAA")).toEqual([false, null]);
    expect(serializer.loadsUnsafe(signer.sign("{!"))).toEqual([true, null]);
    expect(serializer.loadsUnsafe(undefined as unknown as string)).toEqual([false, null]);
  });

  it.each<[string, unknown, SerializerOptions?]>([
    ["an empty secret", ""],
    ["no keys", []],
    ["a number", 5],
    ["a function", () => "k"],
    ["an unusable separator", "k", { sep: "x" }],
    ["an unusable fallback", "k", { fallbackSigners: [{ digest: "md5" as "sha1" }] }],
  ])("refuses %s when constructed", (_case, secretKey, options) => {
    expect(() => new AnySerializer(secretKey as string, options)).toThrow(ConfigError);
  });
});

describe("URLSafeSerializer", () => {
  const serializer = new URLSafeSerializer("k");
  const large = { text: "ab".repeat(600_000) };

  it("uses only characters that are safe in URLs", () => {
    expect(serializer.dumps({ text: "?&=/+ü😀", bytes: "\u0000\u007f" })).toMatch(/^[\w.-]+$/);
  });

  it("compresses where that is shorter", () => {
    expect(serializer.dumps({ text: "ab".repeat(50) })).toMatch(/^\.eJ/);
    expect(serializer.dumps({ text: "ab" })).toMatch(/^eyJ/);
  });

  it("does not inflate a payload beyond its limit", () => {
    const text = serializer.dumps(large);
    expect(text.length).toBeLessThan(4000);
    expect(() => serializer.loads(text)).toThrow(BadPayload);
    expect(serializer.loadsUnsafe(text.slice(0, -1))).toEqual([false, null]);
    expect(new URLSafeSerializer("k", { maxInflatedSize: 2_000_000 }).loads(text)).toEqual(large);
  });

  it("refuses a limit that is none", () => {
    expect(() => new URLSafeSerializer("k", { maxInflatedSize: 1 })).not.toThrow();
    for (const maxInflatedSize of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new URLSafeSerializer("k", { maxInflatedSize })).toThrow(ConfigError);
    }
  });
});

const SECOND = 1_700_000_000;
const user = { id: 5 };

describe.each([
  ["TimedSerializer", TimedSerializer],
  ["URLSafeTimedSerializer", URLSafeTimedSerializer],
])("%s", (_, AnySerializer) => {
  const at = (seconds: number, options = {}) =>
    new AnySerializer("k", { now: () => seconds * 1000, ...options });
  const text = at(SECOND).dumps(user);

  it("returns the user, and the time with returnTimestamp", () => {
    expect(at(SECOND).loads(text)).toEqual(user);
    expect(at(SECOND).loads(text, { returnTimestamp: true })).toEqual([user, new Date(SECOND * 1000)]);
  });

  it("accepts the exact age and refuses one second more", () => {
    expect(at(SECOND + 60).loads(text, { maxAge: 60 })).toEqual(user);
    expect(() => at(SECOND + 61).loads(text, { maxAge: 60 })).toThrow(SignatureExpired);
  });

  it("refuses an age that is not a number", () => {
    expect(() => at(SECOND).loads(text, { maxAge: Number.NaN })).toThrow(ConfigError);
    expect(() => at(SECOND).loadsUnsafe(text, { maxAge: Number.NaN })).toThrow(ConfigError);
  });

  it("keeps its clock with other salts and fallback signers", () => {
    const salted = at(SECOND).dumps(user, { salt: "s" });
    expect(() => at(SECOND + 61).loads(salted, { salt: "s", maxAge: 60 })).toThrow(SignatureExpired);
    const fallbackSigners = [{ digest: "sha1" }, { digest: "sha384" }];
    const strong = at(SECOND + 60, { digest: "sha256", fallbackSigners });
    expect(strong.loads(text, { maxAge: 60 })).toEqual(user);
    // The signer that accepts the signature has the last word on its age.
    expect(() => strong.loads(text, { maxAge: 59 })).toThrow(SignatureExpired);
  });

  it("reads an expired or foreign string without trust when asked to", () => {
    expect(at(SECOND + 61).loadsUnsafe(text, { maxAge: 60 })).toEqual([false, user]);
    expect(at(SECOND).loadsUnsafe(`${text}A`)).toEqual([false, user]);
    expect(at(SECOND).loadsUnsafe(text, { maxAge: 60 })).toEqual([true, user]);
  });

  it("tells what is wrong", () => {
    expect(() => at(SECOND).loads("garbage")).toThrow(BadSignature);
    expect(() => at(SECOND).loads(`${text}A`)).toThrow(BadTimeSignature);
    expect(() => at(SECOND).loads(new Serializer("k").dumps(user))).toThrow(BadTimeSignature);
    const unreadable = new TimestampSigner("k", { salt: "itsdangerous", now: () => SECOND * 1000 }).sign(
      "{!",
    );
    expect(() => at(SECOND).loads(unreadable)).toThrow(BadPayload);
  });
});
