import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuTime } from "../../test/support/cpu-time.ts";
import { BadPayload } from "../errors.ts";
import { parse } from "./parse.ts";
import { NUMBERS, PLAIN, scan, scanFields, TAGS } from "./scan.ts";

const LIMITS = { maxDepth: 100, maxKeys: 1000 };

/** JSON texts with a few characters changed: close to valid, mostly not. */
const almostJson = fc
  .tuple(
    fc.json(),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 1 }), fc.constantFrom(...'{}[]",:\\u0019eE+-. \n\t\0tfn'))),
  )
  .map(([json, edits]) =>
    edits.reduce((text, [at, cut, char]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + char + text.slice(place + cut);
    }, json),
  );

describe("scan", () => {
  it("accepts exactly what JSON.parse accepts", () => {
    fc.assert(
      fc.property(fc.oneof(almostJson, fc.json(), fc.string()), (text) => {
        expect(isAccepted(() => scan(text, LIMITS))).toBe(isAccepted(() => JSON.parse(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["NaN", "Infinity", "-Infinity", "[NaN,-Infinity]"])(
    "accepts %s besides, as Python does",
    (text) => {
      expect(scan(text, LIMITS)).toBe(NUMBERS);
    },
  );

  it.each(
    [
      [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        '{"a":1,}',
        "{'a':1}",
        '{"a"}',
        "{a:1}",
        "[1 2]",
        '{"a":1}x',
        "[1;2]",
        '{"a":1;"b":2}',
        "[1}",
        '{a":1}',
        "{:1}",
        "undefined",
        "\ufeff1",
        "1\0",
      ],
      ["01", "-01", "+1", "-", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_0", "-NaN", "-Inf", "nan", "١"],
      [
        '"',
        '"\\',
        '"\\x41"',
        '"\\u12"',
        '"\\u12g4"',
        '"\\u123g"',
        '"\\u12/4"',
        '"\\u12:4"',
        '"\\u12@4"',
        '"a\nb"',
        '"\u001f"',
        "tru",
        "truex",
        "nulL",
        "\u00a01",
      ],
    ].flat(),
  )("refuses %j", (text) => {
    expect(() => scan(text, LIMITS)).toThrow(BadPayload);
  });

  it.each([
    ["", 0],
    ["[1,x]", 3],
    ['["a" 1]', 5],
    ["{1:2}", 1],
    ['["\\u12g4"]', 6],
    ["[1.]", 3],
    ["[1] 2", 4],
  ])("says where %j is wrong", (text, at) => {
    expect(() => scan(text, LIMITS)).toThrow(`(at character ${at})`);
  });

  it.each(
    [
      ["1", "-1", "123456789012345", "0.5", "1.25e-3", "-0.1", '"1.0"', '{"a":[true,null]}', '{"a b":" t"}'],
      ["{}", " [ ] ", "\t[\r\n1\t,\r10 ,-10]\n", '{"a":{"b":{"c":1}}}', '"\\u0020"', "0"],
    ].flat(),
  )("finds %s plain", (text) => {
    expect(scan(text, LIMITS)).toBe(PLAIN);
  });

  it.each(["1.0", "-0", "-0.0", "1e5", "1E400", "1234567890123456", "0.99999999999999999999", "[1.50e1]"])(
    "finds the number %s odd",
    (text) => {
      expect(scan(text, LIMITS)).toBe(NUMBERS);
    },
  );

  it.each(['{" t":[]}', '[{ "\\u0020t" : 1}]', '{"a":{" x":1,"b":2}}'])(
    "finds a possible tag in %s",
    (text) => {
      expect(scan(text, LIMITS)).toBe(TAGS);
    },
  );

  it("finds plain only what JSON.parse reads as the careful parser does", () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.tuple(fc.bigInt(), fc.nat(), fc.integer({ min: -20, max: 20 })).map(([i, f, e]) => `${i}.${f}e${e}`),
      fc.tuple(fc.bigInt(), fc.bigInt({ min: 0n })).map(([i, f]) => `${i}.${f}`),
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), number), (text) => {
        if (scan(text, LIMITS) & NUMBERS) return;
        expect(() => deepStrictEqual(parse(text, "wrap"), JSON.parse(text))).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });

  it("counts depth and keys", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(scan(nested(100), LIMITS)).toBe(PLAIN);
    expect(() => scan(nested(101), LIMITS)).toThrow(/nested more than 100 levels/);
    const keys = (count: number) => `[${Array.from({ length: count }, (_, n) => `{"${n}":0}`).join()}]`;
    expect(scan(keys(1000), LIMITS)).toBe(PLAIN);
    expect(() => scan(keys(1001), LIMITS)).toThrow(/too many keys/);
  });

  it("reads ints of 4300 digits, as Python, and no longer ones", () => {
    expect(scan(`-${"9".repeat(4300)}`, LIMITS)).toBe(NUMBERS);
    expect(() => scan("9".repeat(4301), LIMITS)).toThrow(BadPayload);
    expect(scan(`0.${"9".repeat(5000)}`, LIMITS)).toBe(NUMBERS);
  });

  it("takes strings longer than the shared array of code units", () => {
    const long = JSON.stringify(["é".repeat(50_000), 1]);
    expect(scan(long, LIMITS)).toBe(PLAIN);
    expect(() => scan(`${long}]`, LIMITS)).toThrow(BadPayload);
    expect(scan("1", LIMITS)).toBe(PLAIN);
  });

  it.each([16_383, 16_384, 16_385])(
    "finds the end of %i characters, as many as are in the shared array, one less and one more",
    (length) => {
      const text = `"${"a".repeat(length - 2)}"`;
      expect(scan(text, LIMITS)).toBe(PLAIN);
      expect(() => scan(text.replace(/"$/, "a"), LIMITS)).toThrow(BadPayload);
    },
  );

  it.each([
    ["arrays", "[".repeat(1e6)],
    ["objects", '{"a":'.repeat(1e6)],
    ["keys", `{${Array.from({ length: 1e5 }, (_, n) => `"${n}":0`).join()}}`],
    ["digits", "1".repeat(1e6)],
    ["an unfinished string", `"${"a".repeat(1e6)}`],
    ["backslashes", `"${"\\".repeat(1e6 + 1)}"`],
  ])("refuses a million of %s without delay", (_, text) => {
    const start = cpuTime();
    expect(() => scan(text, { maxDepth: 500, maxKeys: 10_000 })).toThrow(BadPayload);
    expect(cpuTime() - start).toBeLessThan(2000);
  });
});

describe("scanFields", () => {
  it("cuts an object into trimmed texts", () => {
    const text = ' { "a" : [1, 2] ,\n"b":"x" , "\\u00e9\\n" :{ } } ';
    expect(scanFields(text, LIMITS)).toEqual({
      fields: new Map([
        ["a", "[1, 2]"],
        ["b", '"x"'],
        ["é\n", "{ }"],
      ]),
      tagged: undefined,
    });
  });

  it("keeps the last value of a repeated key, at the first one's place", () => {
    const scanned = scanFields('{"a":1,"b":2,"a":3}', LIMITS);
    expect(scanned).toMatchObject({
      fields: new Map([
        ["a", "3"],
        ["b", "2"],
      ]),
    });
  });

  it("names the fields that may hold tags", () => {
    expect(scanFields('{"a":[{" t":1}],"b":1," t":2}', LIMITS)).toMatchObject({ tagged: new Set(["a"]) });
  });

  it.each([
    ["[1.0]", NUMBERS],
    ["null", PLAIN],
    ['[{" t":1}]', TAGS],
  ])("gives the oddities of %s, which is no object", (text, oddities) => {
    expect(scanFields(text, LIMITS)).toBe(oddities);
  });

  it("agrees with JSON.parse on what is in an object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const scanned = scanFields(JSON.stringify(object, null, 1), LIMITS);
        if (typeof scanned === "number") throw new Error("not cut");
        const parsed = Array.from(scanned.fields, ([key, text]) => [key, JSON.parse(text)] as const);
        expect(() =>
          deepStrictEqual(Object.fromEntries(parsed), JSON.parse(JSON.stringify(object))),
        ).not.toThrow();
      }),
    );
  });
});

function isAccepted(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof BadPayload || error instanceof SyntaxError) return false;
    throw error;
  }
}
