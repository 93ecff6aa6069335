import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatFloat, formatNumber } from "./float.ts";

describe("formatFloat", () => {
  it("round-trips every double, in a token that Python reads as a float", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatFloat(value);
        expect(Object.is(Number(text), value)).toBe(true);
        expect(text).toMatch(/^-?(?:\d+\.\d+|\d(?:\.\d+)?e[+-]\d{2,3})$/);
      }),
    );
  });
});

describe("formatNumber", () => {
  it.each([
    [0, "0"],
    [-0, "-0.0"],
    [1, "1"],
    [-42, "-42"],
    [0.5, "0.5"],
    [2 ** 53 - 1, "9007199254740991"],
    [2 ** 53, "9007199254740992.0"],
    [1e16, "1e+16"],
    [1e-5, "1e-05"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
  ])("writes %s as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});
