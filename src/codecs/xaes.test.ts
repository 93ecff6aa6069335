import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { xaes256gcm } from "./xaes.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

describe("xaes256gcm", () => {
  it.each([
    // https://c2sp.org/XAES-256-GCM, "Test vectors": the two differ in the top bit of the encrypted zero block.
    { fill: 0x01, data: "", sealed: "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
    {
      fill: 0x03,
      data: "c2sp.org/XAES-256-GCM",
      sealed: "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
    },
  ])("gives the published ciphertext under the key of bytes $fill", ({ fill, data, sealed }) => {
    const xaes = xaes256gcm(Buffer.alloc(32, fill));
    const nonce = bytes("ABCDEFGHIJKLMNOPQRSTUVWX");
    expect(xaes.seal(nonce, bytes("XAES-256-GCM"), bytes(data)).toString("hex")).toBe(sealed);
    expect(xaes.open(nonce, Buffer.from(sealed, "hex"), bytes(data))?.toString()).toBe("XAES-256-GCM");
  });

  it("gives the published digest over 10 000 messages drawn from SHAKE128 (SEC-38)", () => {
    const source = createHash("shake128", { outputLength: 10_000 * (32 + 24 + 1 + 255 + 1 + 255) }).digest();
    let position = 0;
    const take = (length: number) => source.subarray(position, (position += length));
    const ciphertexts = createHash("shake128", { outputLength: 32 });
    for (let i = 0; i < 10_000; i++) {
      const xaes = xaes256gcm(take(32));
      const nonce = take(24);
      const plaintext = take(take(1)[0]!);
      const data = take(take(1)[0]!);
      const sealed = xaes.seal(nonce, plaintext, data);
      if (xaes.open(nonce, sealed, data)?.equals(plaintext) !== true)
        throw new Error(`message ${i} did not open`);
      ciphertexts.update(sealed);
    }
    expect(ciphertexts.digest("hex")).toBe(
      "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939",
    );
  });

  it("opens nothing that was changed, cut or moved to other additional data", () => {
    const xaes = xaes256gcm(Buffer.alloc(32, 7));
    const nonce = Buffer.alloc(24, 9);
    const sealed = xaes.seal(nonce, bytes("attack at dawn"), bytes("cookie"));
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i]! ^= 1;
      expect(xaes.open(nonce, changed, bytes("cookie"))).toBeUndefined();
      expect(xaes.open(nonce, sealed.subarray(0, i), bytes("cookie"))).toBeUndefined();
    }
    for (let i = 0; i < nonce.length; i++) {
      const changed = Buffer.from(nonce);
      changed[i]! ^= 1;
      expect(xaes.open(changed, sealed, bytes("cookie"))).toBeUndefined();
    }
    expect(xaes.open(nonce, sealed, bytes("cookiE"))).toBeUndefined();
  });

  it("takes keys and nonces of the right length only", () => {
    expect(() => xaes256gcm(Buffer.alloc(16))).toThrow(RangeError);
    expect(() => xaes256gcm(Buffer.alloc(32)).seal(Buffer.alloc(12), bytes(""), bytes(""))).toThrow(
      RangeError,
    );
    expect(() => xaes256gcm(Buffer.alloc(32)).open(Buffer.alloc(12), bytes(""), bytes(""))).toThrow(
      RangeError,
    );
  });
});
