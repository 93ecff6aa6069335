import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64url, encodeBase64url, packPayload, unpackPayload } from "./encoding.ts";

describe("encodeBase64url", () => {
  it("uses - and _ and no padding", () => {
    expect(encodeBase64url(Uint8Array.of(0xfb, 0xff, 0xfe, 0x01))).toBe("-__-AQ");
  });

  it("encodes only the window of a view", () => {
    expect(encodeBase64url(new Uint8Array(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2))).toBe("AgM");
  });
});

describe("decodeBase64url", () => {
  it("returns what was encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64url(encodeBase64url(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ["padding", "YQ=="],
    ["one padding character too few", "YWI=="],
    ["data after padding", "YQ==YQ"],
    ["the standard alphabet's +", "a+bc"],
    ["the standard alphabet's /", "a/bc"],
    ["junk that Node would skip", "YW!JjZA"],
    ["a space", "YW Jj"],
    ["a line end", "YWJj\n"],
    ["a NUL", "YWJj\0"],
    ["a dot", "YWJj.YWJj"],
    ["a length of 1 mod 4", "YWJjZ"],
    ["a single character", "a"],
    ["spare bits in one of two characters", "YR"],
    ["spare bits in the last of three characters", "YWJ"],
    ["a letter outside ASCII whose low byte is one", "YWJ\u016A"],
    ["a letter outside ASCII", "YWJé"],
    ["half of a surrogate pair", "YWJ\ud800"],
  ])("refuses %s", (_, text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });

  it("knows only one spelling of any bytes", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = decodeBase64url(text);
        expect(bytes === undefined || encodeBase64url(bytes) === text).toBe(true);
      }),
    );
  });

  it("reads the empty string as no bytes", () => {
    expect(decodeBase64url("")).toEqual(Buffer.alloc(0));
  });
});

describe("packPayload", () => {
  const text = (length: number) => `ab${"a".repeat(length - 2)}`;
  const isCompressed = (...args: Parameters<typeof packPayload>) => {
    const packed = packPayload(...args);
    expect(unpackPayload(packed, 100)).toBe(args[0]);
    return packed.startsWith(".");
  };

  it("compresses what gets shorter by two bytes, as itsdangerous does", () => {
    // zlib makes 12 bytes of each.
    expect([12, 13, 14].map((length) => isCompressed(text(length), 0))).toEqual([false, false, true]);
  });

  it("compresses from one length up to another", () => {
    const lengths = [49, 50, 60, 61];
    expect(lengths.map((length) => isCompressed(text(length), 50, 60))).toEqual([false, true, true, false]);
  });
});
