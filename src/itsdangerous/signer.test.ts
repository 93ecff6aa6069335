import { describe, expect, it } from "vitest";
import { BadSignature, ConfigError } from "../errors.ts";
import { readFlaskVectors } from "../../test/flask-vectors.ts";
import { Signer } from "./signer.ts";
import type { Digest, KeyDerivation, SignerOptions } from "./signer.ts";

const { signing, flask_session_signed_sid: signedIds } = readFlaskVectors().blocks;

describe("Signer", () => {
  it("derives Flask's keys", () => {
    for (const { secret_key, salt, derived_key_hex } of signing) {
      const signer = new Signer(Buffer.from(secret_key.hex, "hex"), { salt, keyDerivation: "hmac" });
      expect(Buffer.from(signer.deriveKey()).toString("hex")).toBe(derived_key_hex);
    }
  });

  it("makes Flask's signatures", () => {
    for (const { secret_key, salt, signed_text, signature } of signing) {
      const signer = new Signer(Buffer.from(secret_key.hex, "hex"), { salt, keyDerivation: "hmac" });
      expect(signer.getSignature(signed_text)).toBe(signature);
      expect(signer.sign(signed_text)).toBe(`${signed_text}.${signature}`);
    }
  });

  it("takes a string as its UTF-8", () => {
    for (const { secret_key, signed_text } of signing) {
      if (secret_key.utf8 === undefined) continue;
      expect(new Signer(secret_key.utf8).sign(signed_text)).toBe(
        new Signer(Buffer.from(secret_key.hex, "hex")).sign(signed_text),
      );
    }
  });

  it("does not normalise a secret", () => {
    const signed = new Signer("caf\u00e9").sign("x");
    expect(new Signer("cafe\u0301").validate(signed)).toBe(false);
  });

  it("reads the session ids Flask-Session signs", () => {
    expect(signedIds.length).toBeGreaterThan(0);
    for (const { secret_key, sid, cookie } of signedIds) {
      const signer = new Signer(Buffer.from(secret_key.hex, "hex"), {
        salt: "flask-session",
        keyDerivation: "hmac",
      });
      expect(signer.unsign(cookie)).toBe(sid);
      expect(signer.sign(sid)).toBe(cookie);
    }
  });

  it("signs with the last key of a list and verifies with all", () => {
    const rotated = new Signer(["oldest", "old", "newest"]);
    expect(rotated.sign("v")).toBe(new Signer("newest").sign("v"));
    for (const key of ["oldest", "old", "newest"]) {
      expect(rotated.unsign(new Signer(key).sign("v"))).toBe("v");
    }
    expect(rotated.validate(new Signer("other").sign("v"))).toBe(false);
  });

  it("does not follow later changes to the list, the salt or the bytes it was given", () => {
    const secret = Buffer.from("secret");
    const salt = Buffer.from("salt");
    const list = [secret];
    const signer = new Signer(list, { salt });
    secret.fill(0);
    salt.fill(0);
    list.push(Buffer.from("other"));
    expect(signer.sign("v")).toBe(new Signer("secret", { salt: "salt" }).sign("v"));
  });

  it("uses what a subclass derives", () => {
    class Fixed extends Signer {
      override deriveKey(): Uint8Array {
        return Buffer.from("fixed");
      }
    }
    expect(new Fixed("any").sign("v")).toBe(new Signer("fixed", { keyDerivation: "none" }).sign("v"));
  });

  it("separates purposes by salt, derivation and digest", () => {
    const keyDerivations: KeyDerivation[] = ["hmac", "concat", "django-concat", "none"];
    const digests: Digest[] = ["sha1", "sha256", "sha384", "sha512"];
    const signatures = keyDerivations.flatMap((keyDerivation) =>
      digests.flatMap((digest) =>
        ["a", "b"].map((salt) => new Signer("k", { keyDerivation, digest, salt }).getSignature("v")),
      ),
    );
    // Without a derivation the salt has no part in it.
    expect(new Set(signatures).size).toBe(signatures.length - digests.length);
  });

  it("splits at the last separator, however long", () => {
    const signer = new Signer("k", { sep: "::" });
    expect(signer.unsign(signer.sign("a::b::"))).toBe("a::b::");
    expect(signer.validate(signer.sign("a::b::"))).toBe(true);
  });

  it("has the unverified string in the error", () => {
    const signer = new Signer("k");
    const error = catchError(() => signer.unsign("payload.AAAA"));
    expect(error).toBeInstanceOf(BadSignature);
    expect(error).toMatchObject({ code: "BAD_SIGNATURE", payload: "payload" });
    expect(catchError(() => signer.unsign("payload"))).toMatchObject({ payload: undefined });
  });

  const signed = new Signer("k").sign("value");
  it.each([
    ["nothing", ""],
    ["only a separator", "."],
    ["no signature", "value."],
    ["one character less", signed.slice(0, -1)],
    ["one character more", `${signed}A`],
    ["padding", `${signed}=`],
    ["a line end", `${signed}\n`],
    ["junk inside the signature", signed.replace(/.{5}$/, "!$&")],
    ["spare bits", signed.slice(0, -1) + String.fromCharCode(signed.charCodeAt(signed.length - 1) + 1)],
    ["lower case", signed.toLowerCase()],
    ["another value", signed.replace("value", "Value")],
    ["a value in front", `x.${signed}`],
    ["two signatures", `${signed}.${signed.slice(6)}`],
    ["value and signature swapped", signed.split(".").toReversed().join(".")],
    ["another key", new Signer("K").sign("value")],
    ["another salt", new Signer("k", { salt: "other" }).sign("value")],
    ["another digest", new Signer("k", { digest: "sha256" }).sign("value")],
    ["a wide letter whose low byte is right", widen(signed)],
    ["a megabyte", "a".repeat(1 << 20)],
    ["a megabyte of signature", `value.${"A".repeat(1 << 20)}`],
    ["a megabyte of separators", ".".repeat(1 << 20)],
  ])("refuses %s", (_, text) => {
    expect(new Signer("k").validate(text)).toBe(false);
    expect(() => new Signer("k").unsign(text)).toThrow(BadSignature);
  });

  it.each([[undefined], [null], [5], [["v", "."]], [{ lastIndexOf: () => 0 }]])(
    "refuses %j, which is not a string",
    (input) => {
      expect(new Signer("k").validate(input as unknown as string)).toBe(false);
      expect(() => new Signer("k").unsign(input as unknown as string)).toThrow(BadSignature);
    },
  );

  it("does not confuse half of a surrogate pair with the replacement character", () => {
    const signer = new Signer("k");
    expect(signer.validate(signer.sign("\ufffd").replace("\ufffd", "\ud800"))).toBe(false);
    expect(() => signer.sign("\ud800")).toThrow(TypeError);
  });

  it.each<[string, unknown, SignerOptions?]>([
    ["an empty secret", ""],
    ["empty bytes", new Uint8Array()],
    ["an empty list", []],
    ["an empty secret in a list", ["good", ""]],
    ["no secret", undefined],
    ["null", null],
    ["a number", 12_345],
    ["a number in a list", ["good", 12_345]],
    ["half of a surrogate pair", "\ud800"],
    ["a separator of signature characters", "k", { sep: "a-Z" }],
    ["an empty separator", "k", { sep: "" }],
    ["a separator in a list", "k", { sep: ["."] as unknown as string }],
    ["an unknown digest", "k", { digest: "md5" as Digest }],
    ["a digest named like an object's own method", "k", { digest: "toString" as Digest }],
    ["an unknown derivation", "k", { keyDerivation: "scrypt" as KeyDerivation }],
    ["a salt that is a number", "k", { salt: 5 as unknown as string }],
  ])("refuses %s when constructed, and names the option", (_, secretKey, options) => {
    const error = catchError(() => new Signer(secretKey as string, options));
    expect(error).toBeInstanceOf(ConfigError);
    const [option = "secretKey"] = Object.keys(options ?? {});
    expect(String(error)).toMatch(new RegExp(`"${option}(\\[1\\])?" (is|must be|contains) `));
  });

  it("shows no secret when printed", async () => {
    const { inspect } = await import("node:util");
    const signer = new Signer("very-secret", { keyDerivation: "none" });
    signer.sign("v");
    expect(inspect(signer, { showHidden: true, depth: 9 }) + JSON.stringify(signer)).not.toContain(
      "very-secret",
    );
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

function widen(text: string): string {
  return text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 0x100);
}
