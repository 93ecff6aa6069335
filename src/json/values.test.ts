import { describe, expect, it } from "vitest";
import { BadData } from "../errors.ts";
import { float, Float, isTruthy, Markup, tuple, Tuple, UUID } from "./values.ts";

describe("tuple", () => {
  it("is a frozen array of its items", () => {
    const pair = tuple("a", 1);
    expect(pair).toBeInstanceOf(Tuple);
    expect(Array.isArray(pair)).toBe(true);
    expect([...pair]).toEqual(["a", 1]);
    expect(() => (pair as unknown as unknown[]).push(2)).toThrow(TypeError);
    expect(() => ((pair as unknown as unknown[])[0] = 2)).toThrow(TypeError);
  });

  it("takes a single number for an item, not for a length", () => {
    expect([...tuple(3)]).toEqual([3]);
    expect([...Tuple.from([3])]).toEqual([3]);
  });

  it("gives ordinary arrays when mapped, sliced or filtered", () => {
    for (const array of [tuple(1, 2).map((n) => n), tuple(1, 2).slice(), tuple(1, 2).filter(Boolean)]) {
      expect(array).not.toBeInstanceOf(Tuple);
      expect(array).toEqual([1, 2]);
    }
  });

  it("takes more items than there is stack for arguments", () => {
    expect(Tuple.from(Array.from({ length: 500_000 }, () => 0))).toHaveLength(500_000);
  });
});

describe("Markup", () => {
  it("gives its html to strings, JSON and template engines", () => {
    const html = new Markup("<b>x</b>");
    expect([`${html}`, JSON.stringify(html), html.__html__()]).toEqual([
      "<b>x</b>",
      '"<b>x</b>"',
      "<b>x</b>",
    ]);
  });
});

describe("UUID", () => {
  it("refuses a long run of braces in no time", () => {
    const start = performance.now();
    for (const text of [`x${"{".repeat(160_000)}x`, "{}".repeat(200_000), `{${"a".repeat(160_000)}}`])
      expect(() => new UUID(text)).toThrow(BadData);
    // It took 11 seconds for the first when it looked at the run once for each brace.
    expect(performance.now() - start).toBeLessThan(1000);
  });

  const hex = "0123456789abcdef0123456789abcdef";
  const hyphenated = "01234567-89ab-cdef-0123-456789abcdef";

  it.each([
    hex,
    hyphenated,
    hyphenated.toUpperCase(),
    `{${hyphenated}}`,
    `urn:uuid:${hyphenated}`,
    `${hex}-`,
  ])("reads %s", (text) => {
    expect(new UUID(text).hex).toBe(hex);
    expect(String(new UUID(text))).toBe(hyphenated);
    expect(JSON.stringify(new UUID(text))).toBe(`"${hyphenated}"`);
  });

  it.each(["", hex.slice(1), `${hex}0`, `g${hex.slice(1)}`, ` ${hex}`, "١".repeat(32)])(
    "refuses %j",
    (text) => {
      expect(() => new UUID(text)).toThrow(BadData);
    },
  );
});

describe("float", () => {
  it("behaves like its number", () => {
    expect(float(1)).toBeInstanceOf(Float);
    expect([Number(float(2)) + 1, String(float(2)), JSON.stringify({ n: float(2) })]).toEqual([
      3,
      "2",
      '{"n":2}',
    ]);
  });
});

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
