import { createHash, createSecretKey, generateKeySync, randomBytes } from "node:crypto";
import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatToken,
  newToken,
  parseToken,
  checkVerifier,
  newVerifier,
  timingSafeEqualText,
  successorOf,
  type Token,
} from "./token.ts";

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

  it("can only be computed with the token and the key (SEC-24)", () => {
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

describe("checkVerifier", () => {
  const now = 1_800_000_000_000;
  const key = generateKeySync("hmac", { length: 256 });
  const chain = (from: Token, rotations: number): Token =>
    rotations === 0 ? from : chain(successorOf(from, key), rotations - 1);
  const recordAt = (current: Token, previous: Token | undefined, until: number) => ({
    verifierHash: current.verifierHash,
    previousHash: previous?.verifierHash ?? null,
    previousUntil: until,
  });

  it("knows the current token, the one before within its grace, and every one before that", () => {
    const token = newToken();
    for (let rotations = 0; rotations <= 64; rotations++) {
      const current = chain(token, rotations);
      const previous = rotations === 0 ? undefined : chain(token, rotations - 1);
      const judged = checkVerifier(recordAt(current, previous, now + 1), token, now, key);
      const status = ["current", "previous"][rotations] ?? "replaced";
      expect(judged).toEqual({ status, token: rotations === 0 ? token : current, rotations });
    }
    expect(checkVerifier(recordAt(chain(token, 65), undefined, 0), token, now, key).status).toBe("unknown");
  });

  it("tells a token from before a login from one that was rotated since", () => {
    const planted = newToken();
    const fresh = newVerifier(planted.selector);
    const afterLogin = recordAt(fresh, chain(planted, 2), 0);
    for (const rotations of [0, 1, 2]) {
      expect(checkVerifier(afterLogin, chain(planted, rotations), now, key)).toMatchObject({
        status: "replaced",
        rotations: undefined,
      });
    }
    expect(checkVerifier(recordAt(chain(fresh, 1), fresh, now), fresh, now, key)).toMatchObject({
      status: "replaced",
      rotations: 1,
    });
  });

  it("knows the previous token after the key has changed, and follows nothing without one", () => {
    const [token, next] = [newToken(), newToken()];
    const record = recordAt(next, token, now + 1);
    expect(checkVerifier(record, token, now, null)).toEqual({
      status: "previous",
      token,
      rotations: undefined,
    });
    expect(checkVerifier(record, token, now + 1, null).status).toBe("replaced");
    expect(checkVerifier(record, newToken(), now, key).status).toBe("unknown");
  });
});

describe("timingSafeEqualText", () => {
  it("takes wrong lengths and prefixes for different, without throwing (SEC-3)", () => {
    expect(timingSafeEqualText("abc", "abc")).toBe(true);
    expect(timingSafeEqualText("abc", "abd")).toBe(false);
    expect(timingSafeEqualText("abc", "ab")).toBe(false);
    expect(timingSafeEqualText("", "a")).toBe(false);
    expect(timingSafeEqualText("abc", "abcé")).toBe(false);
  });
});
