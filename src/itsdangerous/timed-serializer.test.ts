import { describe, expect, it } from "vitest";
import { BadPayload, BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import { Serializer } from "./serializer.ts";
import { TimedSerializer } from "./timed-serializer.ts";
import { TimestampSigner } from "./timestamp-signer.ts";
import { URLSafeTimedSerializer } from "./url-safe.ts";

const SECOND = 1_700_000_000;
const value = { id: 5 };

describe.each([
  ["TimedSerializer", TimedSerializer],
  ["URLSafeTimedSerializer", URLSafeTimedSerializer],
])("%s", (_, AnySerializer) => {
  const at = (seconds: number, options = {}) =>
    new AnySerializer("k", { now: () => seconds * 1000, ...options });
  const text = at(SECOND).dumps(value);

  it("gives back the value, and the time when asked", () => {
    expect(at(SECOND).loads(text)).toEqual(value);
    expect(at(SECOND).loads(text, { returnTimestamp: true })).toEqual([value, new Date(SECOND * 1000)]);
  });

  it("accepts the exact age and refuses one second more", () => {
    expect(at(SECOND + 60).loads(text, { maxAge: 60 })).toEqual(value);
    expect(() => at(SECOND + 61).loads(text, { maxAge: 60 })).toThrow(SignatureExpired);
  });

  it("refuses an age that is no number", () => {
    expect(() => at(SECOND).loads(text, { maxAge: Number.NaN })).toThrow(ConfigError);
    expect(() => at(SECOND).loadsUnsafe(text, { maxAge: Number.NaN })).toThrow(ConfigError);
  });

  it("keeps its clock with other salts and fallback signers", () => {
    const salted = at(SECOND).dumps(value, { salt: "s" });
    expect(() => at(SECOND + 61).loads(salted, { salt: "s", maxAge: 60 })).toThrow(SignatureExpired);
    const fallbackSigners = [{ digest: "sha1" }, { digest: "sha384" }];
    const strong = at(SECOND + 60, { digest: "sha256", fallbackSigners });
    expect(strong.loads(text, { maxAge: 60 })).toEqual(value);
    // The signer that accepts the signature has the last word on its age.
    expect(() => strong.loads(text, { maxAge: 59 })).toThrow(SignatureExpired);
  });

  it("reads an expired or foreign text without trust when asked to", () => {
    expect(at(SECOND + 61).loadsUnsafe(text, { maxAge: 60 })).toEqual([false, value]);
    expect(at(SECOND).loadsUnsafe(`${text}A`)).toEqual([false, value]);
    expect(at(SECOND).loadsUnsafe(text, { maxAge: 60 })).toEqual([true, value]);
  });

  it("tells what is wrong", () => {
    expect(() => at(SECOND).loads("garbage")).toThrow(BadSignature);
    expect(() => at(SECOND).loads(`${text}A`)).toThrow(BadTimeSignature);
    expect(() => at(SECOND).loads(new Serializer("k").dumps(value))).toThrow(BadTimeSignature);
    const unreadable = new TimestampSigner("k", { salt: "itsdangerous", now: () => SECOND * 1000 }).sign(
      "{!",
    );
    expect(() => at(SECOND).loads(unreadable)).toThrow(BadPayload);
  });
});
