import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { rootSecret } from "./root-secret.ts";

describe("rootSecret", () => {
  it.each([
    "",
    "dev",
    "keyboard cat",
    "31 bytes are one byte too few..",
    "a".repeat(64),
    "ab".repeat(32),
    "password".repeat(5),
    "changeme-".repeat(5),
    "keyboard cat keyboard cat keyboard cat",
    "0123456789".repeat(4),
    "0123456789abcdef0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
    `secret${"0".repeat(40)}`,
    `${"x".repeat(40)}secret`,
    Buffer.alloc(32),
    Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
    Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 7) % 256)),
  ])("refuses %j", (secret) => {
    expect(() => rootSecret("secretKey", secret)).toThrow(ConfigError);
  });

  it("never repeats the secret in its message (SEC-40)", () => {
    expect(() => rootSecret("secretKey", "hunter2hunter2")).toThrow(/^(?!.*hunter2).*"secretKey"/);
  });

  it("takes 2000 random secrets in each usual spelling", () => {
    for (let i = 0; i < 2000; i++) {
      for (const secret of [
        randomBytes(32),
        randomBytes(32).toString("base64url"),
        randomBytes(24).toString("base64"),
        randomBytes(32).toString("hex"),
        randomBytes(16).toString("hex"),
      ]) {
        if (typeof secret === "string" && secret.length < 32) throw new Error("the test is wrong");
        expect(() => rootSecret("secretKey", secret)).not.toThrow();
      }
    }
  });

  it("takes a passphrase of several words", () => {
    expect(() => rootSecret("secretKey", "copper lantern drifts over nineteen quiet rivers")).not.toThrow();
  });
});
