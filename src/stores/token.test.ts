import { createHash, createSecretKey, randomBytes } from "node:crypto";
import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { formatToken, newToken, parseToken, sameText, standing, successorOf, type Token } from "./token.ts";
import type { SessionRecord } from "./store.ts";

const TOKEN = `${"A".repeat(16)}.${"A".repeat(43)}`;

describe("newToken", () => {
  it("fails when the random source fails, without a fallback (SEC-1)", () => {
    const broken = () => {
      throw new Error("no entropy");
    };
    expect(() => newToken(broken)).toThrow("no entropy");
  });

  it("shows stores the SHA-256 of the verifier only (SEC-2)", () => {
    const { verifier, verifierHash } = newToken();
    expect(verifierHash).toBe(createHash("sha256").update(verifier).digest("base64url"));
  });
});

describe("parseToken", () => {
  it("reads what formatToken writes", () => {
    for (let round = 0; round < 1000; round++) {
      const token = newToken();
      expect(parseToken(formatToken(token))).toEqual(token);
    }
  });

  it.each([
    ["empty", ""],
    ["a character short", TOKEN.slice(1)],
    ["a character long", `${TOKEN}A`],
    ["without a dot", TOKEN.replace(".", "A")],
    ["with the dot elsewhere", `A.${"A".repeat(58)}`],
    ["with standard base64", TOKEN.replace("A", "+")],
    ["with padding", `${TOKEN.slice(0, -1)}=`],
    ["with spare bits", `${TOKEN.slice(0, -1)}B`],
    ["with a line break", `${TOKEN.slice(0, -1)}\n`],
    ["with NUL", `${TOKEN.slice(0, -1)}\0`],
    ["quoted", `"${TOKEN.slice(2)}"`],
    ["escaped", `%41${TOKEN.slice(3)}`],
    ["a megabyte", TOKEN.repeat(20_000)],
  ])("refuses a token %s (SEC-4)", (_, text) => {
    expect(parseToken(text)).toBeUndefined();
  });

  it("never throws, and has one spelling for each token (SEC-4)", () => {
    assert(
      property(string({ unit: "binary", maxLength: 70 }), (text) => {
        const token = parseToken(text);
        expect(token === undefined || formatToken(token) === text).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("successorOf", () => {
  const key = createSecretKey(randomBytes(32));

  it("is the same for everybody who has the token and the key, and for nobody else (SEC-24)", () => {
    const token = newToken();
    expect(successorOf(token, key)).toEqual(successorOf(token, key));
    expect(successorOf(token, createSecretKey(randomBytes(32))).verifier).not.toBe(
      successorOf(token, key).verifier,
    );
    expect(successorOf(newToken(), key).verifier).not.toBe(successorOf(token, key).verifier);
    expect(parseToken(formatToken(successorOf(token, key)))).toEqual(successorOf(token, key));
    expect(successorOf(token, key).selector).toBe(token.selector);
  });
});

describe("standing", () => {
  const [current, previous, other] = [newToken(), newToken(), newToken()];
  const record = {
    verifierHash: current.verifierHash,
    previousHash: previous.verifierHash,
    previousUntil: 1000,
  } as SessionRecord;

  it.each<[string, Token, number, string]>([
    ["the verifier", current, 5000, "current"],
    ["the previous one within its grace", previous, 999, "previous"],
    ["the previous one after its grace", previous, 1000, "replaced"],
    ["any other", other, 0, "unknown"],
  ])("tells %s", (_, token, now, expected) => {
    expect(standing(record, token, now)).toBe(expected);
  });
});

describe("sameText", () => {
  it("takes wrong lengths and prefixes for different, without throwing (SEC-3)", () => {
    expect(sameText("abc", "abc")).toBe(true);
    expect(sameText("abc", "abd")).toBe(false);
    expect(sameText("abc", "ab")).toBe(false);
    expect(sameText("", "a")).toBe(false);
    expect(sameText("abc", "abcé")).toBe(false);
  });
});
