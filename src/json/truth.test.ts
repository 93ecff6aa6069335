import { describe, expect, it } from "vitest";
import { isTruthy } from "./truth.ts";
import { float, Markup, tuple, UUID } from "./values.ts";

describe("isTruthy", () => {
  it.each([
    [null],
    [undefined],
    [false],
    [0],
    [-0],
    [0n],
    [float(0)],
    [""],
    [new Markup("")],
    [[]],
    [tuple()],
    [{}],
  ])("says no to %o, as Python does", (value) => expect(isTruthy(value)).toBe(false));

  it.each([
    [true],
    [1],
    [NaN],
    [float(NaN)],
    [-1n],
    ["0"],
    [new Markup(" ")],
    [[0]],
    [tuple(null)],
    [{ a: 0 }],
  ])("says yes to %o, as Python does", (value) => expect(isTruthy(value)).toBe(true));

  it("says no to empty bytes only, and yes to dates and UUIDs", () => {
    expect(isTruthy(new Uint8Array())).toBe(false);
    expect(isTruthy(new Uint8Array(1))).toBe(true);
    expect(isTruthy(new Date(0))).toBe(true);
    expect(isTruthy(new UUID("0".repeat(32)))).toBe(true);
  });
});
