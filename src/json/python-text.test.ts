import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatFloat, formatNumber, sortKeys } from "./python-text.ts";

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

describe("sortKeys", () => {
  it("sorts by code point, where UTF-16 units would differ", () => {
    const keys = ["\u{1f600}", "\uffee", "10", "9", ""];
    sortKeys(keys);
    expect(keys).toEqual(["", "10", "9", "\uffee", "\u{1f600}"]);
  });

  it("orders any two keys so, halves of surrogate pairs included, and many as few", () => {
    const plain = ["", "a", "ab", "b", "\u007f", "\ud7ff", "\ue000", "\uffff", "a\ud83d\ude00", "a\uffff"];
    const halves = [
      "\ud800",
      "\ud83d",
      "\ud83da",
      "\ud83d\uffff",
      "\ud83d\ud83d",
      "\udbff",
      "\udc00",
      "\ude00",
    ];
    const pairs = [
      "\ud83d\udc00",
      "\ud83d\ude00",
      "\ud83d\ude00a",
      "\ud83d\ude01",
      "\ud83e\ude00",
      "\udbff\udfff",
    ];
    const sorted = [...plain, ...halves, ...pairs].toSorted(compareLists);
    const many = sorted.toReversed();
    sortKeys(many);
    expect(many).toEqual(sorted);
    for (const [at, first] of sorted.entries()) {
      for (const second of sorted.slice(at + 1)) {
        const keys = [second, first];
        sortKeys(keys);
        expect(keys).toEqual([first, second]);
      }
    }
  });

  it("agrees with a comparison of whole lists of code points, for few keys and for many", () => {
    const unit = fc.constantFrom("a", "b", "\u007f", "\ud83d", "\ude00", "\ud83e", "\ue000", "\uffff");
    const key = fc.array(unit, { maxLength: 5 }).map((units) => units.join(""));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), (keys) => {
        const expected = keys.toSorted(compareLists);
        sortKeys(keys);
        expect(keys).toEqual(expected);
      }),
    );
  });
});

function compareLists(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (const [index, char] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (char !== other) return char.codePointAt(0)! - other.codePointAt(0)!;
  }
  return left.length - right.length;
}
