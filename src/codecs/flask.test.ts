import { describe, expect, it } from "vitest";
import { readFlaskVectors } from "../../test/flask-vectors.ts";
import type { CookieVector } from "../../test/flask-vectors.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { flaskCodec } from "./flask.ts";

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
