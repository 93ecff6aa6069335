import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sortKeys } from "./code-points.ts";

describe("sortKeys", () => {
  it("sorts by code point, where UTF-16 units would differ", () => {
    const keys = ["\u{1f600}", "\uffee", "10", "9", ""];
    sortKeys(keys);
    expect(keys).toEqual(["", "10", "9", "\uffee", "\u{1f600}"]);
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
