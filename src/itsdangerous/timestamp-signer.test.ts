import { describe, expect, it, vi } from "vitest";
import { BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import { Signer } from "./signer.ts";
import { decodeTimestamp, encodeTimestamp, TimestampSigner } from "./timestamp-signer.ts";
import { readFlaskVectors } from "../../test/flask-vectors.ts";

const SECOND = 1_700_000_000;

/** A signer whose clock stands at `seconds`. */
function at(seconds: number, secretKey: string | string[] = "k"): TimestampSigner {
  return new TimestampSigner(secretKey, { now: () => seconds * 1000 });
}

describe("TimestampSigner", () => {
  const signed = at(SECOND).sign("value");

  it("returns the value, and the time when asked", () => {
    expect(at(SECOND).unsign(signed)).toBe("value");
    expect(at(SECOND).unsign(signed, { returnTimestamp: true })).toEqual(["value", new Date(SECOND * 1000)]);
  });

  it("cuts the clock to whole seconds", () => {
    expect(at(SECOND + 0.999).sign("value")).toBe(signed);
    expect(at(SECOND + 10.999).validate(signed, { maxAge: 10 })).toBe(true);
  });

  it("follows fake timers that a test installs after it was made", () => {
    const signer = new TimestampSigner("k");
    vi.useFakeTimers({ now: SECOND * 1000, toFake: ["Date"] });
    try {
      expect(signer.getTimestamp()).toBe(SECOND);
    } finally {
      vi.useRealTimers();
    }
  });

  it("accepts the exact age and refuses one second more", () => {
    expect(at(SECOND + 10).unsign(signed, { maxAge: 10 })).toBe("value");
    expect(() => at(SECOND + 11).unsign(signed, { maxAge: 10 })).toThrow(SignatureExpired);
    expect(at(SECOND + 11).validate(signed, { maxAge: 10 })).toBe(false);
  });

  it("refuses a time in the future only with maxAge", () => {
    expect(() => at(SECOND - 1).unsign(signed, { maxAge: 10 })).toThrow(SignatureExpired);
    expect(at(SECOND - 1).unsign(signed)).toBe("value");
  });

  it("accepts nothing for a negative age", () => {
    expect(() => at(SECOND).unsign(signed, { maxAge: -1 })).toThrow(SignatureExpired);
  });

  it("refuses an age that is not a number instead of ignoring it", () => {
    for (const maxAge of [Number.NaN, "60" as unknown as number, null as unknown as number]) {
      expect(() => at(SECOND).unsign(signed, { maxAge })).toThrow(ConfigError);
      expect(() => at(SECOND).validate(signed, { maxAge })).toThrow(ConfigError);
    }
  });

  it("verifies what older keys signed", () => {
    expect(at(SECOND, ["k", "new"]).unsign(signed, { maxAge: 1 })).toBe("value");
  });

  it("gives payload and date with an expired signature", () => {
    const error = catchError(() => at(SECOND + 11).unsign(signed, { maxAge: 10 }));
    expect(error).toMatchObject({
      code: "SIGNATURE_EXPIRED",
      payload: "value",
      dateSigned: new Date(SECOND * 1000),
    });
  });

  it("gives payload and claimed date with a wrong signature", () => {
    const error = catchError(() => at(SECOND, "other").unsign(signed));
    expect(error).toBeInstanceOf(BadTimeSignature);
    expect(error).toMatchObject({ payload: "value", dateSigned: new Date(SECOND * 1000) });
  });

  it("reports a wrong signature over a string without a time as a plain bad signature", () => {
    const error = catchError(() => at(SECOND).unsign("value.AAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    expect(error).toMatchObject({ code: "BAD_SIGNATURE", payload: "value" });
  });

  it("reports a missing separator as a plain bad signature", () => {
    const error = catchError(() => at(SECOND).unsign("value"));
    expect(error).toBeInstanceOf(BadSignature);
    expect(error).not.toBeInstanceOf(BadTimeSignature);
  });

  it.each([
    ["missing", "value"],
    ["not base64url", "value.!!!!"],
    ["nine bytes long", "value.AAAAAABiiiCQ"],
    ["beyond any date", "value.__________8"],
  ])("refuses a signed value whose time is %s", (_, text) => {
    const error = catchError(() => at(SECOND).unsign(new Signer("k").sign(text)));
    expect(error).toMatchObject({ code: "BAD_TIME_SIGNATURE", dateSigned: undefined, payload: "value" });
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const { timestamps } = readFlaskVectors().blocks;

describe("encodeTimestamp", () => {
  it("writes what Flask writes", () => {
    for (const { seconds, segment } of timestamps) expect(encodeTimestamp(seconds)).toBe(segment);
  });
});

describe("decodeTimestamp", () => {
  it("reads what Flask writes", () => {
    for (const { seconds, segment } of timestamps) expect(decodeTimestamp(segment)).toBe(seconds);
  });

  it("allows leading zero bytes up to eight bytes", () => {
    expect(decodeTimestamp("AAAAAAAAAAE")).toBe(1);
    expect(decodeTimestamp("AAAAAAAAAAAB")).toBeUndefined();
  });

  it("reads the largest number without failing", () => {
    expect(decodeTimestamp("__________8")).toBe(2 ** 64);
  });

  it.each(["a", "YoogkA==", "!!!!", "Yo kA", "é"])("refuses %j", (text) => {
    expect(decodeTimestamp(text)).toBeUndefined();
  });
});
