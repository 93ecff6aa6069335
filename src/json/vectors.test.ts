import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatFloat } from "./python-text.ts";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";
import { TaggedJSONSerializer } from "./tagged-json.ts";
import { float, Markup, Tuple, UUID } from "./values.ts";

/** A Python value as the vectors write it: see `doc.notation` there. */
type Notation =
  | { t: "null" }
  | { t: "bool"; v: boolean }
  | { t: "int" | "str" | "markup" | "uuid"; v: string; utf16?: string[] }
  | { t: "float"; bits: string }
  | { t: "bytes"; hex: string }
  | { t: "datetime"; epoch: number }
  | { t: "tuple" | "list"; v: Notation[] }
  | { t: "dict"; v: [string, Notation][] };

interface Vectors {
  cookies: {
    name: string;
    json: string | null;
    expected: string;
    strict: string;
    payload?: Notation;
    encode: string;
  }[];
  blocks: {
    floats: { bits: string; json: string }[];
    strings: { utf16: string[]; json: string }[];
    key_order: { keys: string[]; sorted: string[] }[];
    http_dates: { epoch: number; text: string }[];
    parse_dates: { text: string; result: Notation }[];
  };
}

const { cookies, blocks } = JSON.parse(
  readFileSync(new URL("../../test/vectors/flask.json", import.meta.url), "utf8"),
) as Vectors;
const json = new TaggedJSONSerializer();

function fromNotation(node: Notation): unknown {
  switch (node.t) {
    case "null":
      return null;
    case "bool":
      return node.v;
    case "int":
      return Number.isSafeInteger(Number(node.v)) ? Number(node.v) : BigInt(node.v);
    case "float": {
      const value = fromBits(node.bits);
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? float(value) : value;
    }
    case "str":
      return node.utf16 === undefined ? node.v : fromUnits(node.utf16);
    case "bytes":
      return Uint8Array.from(Buffer.from(node.hex, "hex"));
    case "markup":
      return new Markup(node.v);
    case "uuid":
      return new UUID(node.v);
    case "datetime":
      return new Date(node.epoch * 1000);
    case "tuple":
      return Tuple.from(node.v.map(fromNotation));
    case "list":
      return node.v.map(fromNotation);
    case "dict":
      return Object.fromEntries(node.v.map(([key, value]) => [key, fromNotation(value)]));
  }
}

function fromBits(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE();
}

function fromUnits(units: readonly string[]): string {
  return String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)));
}

describe("the vectors of Flask", () => {
  it.each(blocks.floats)("writes and reads the float $json", ({ bits, json: token }) => {
    expect(formatFloat(fromBits(bits))).toBe(token);
    expect(Object.is(json.loads(token), fromBits(bits))).toBe(true);
    expect(json.dumps(json.loads(`[${token}]`))).toBe(`[${token}]`);
  });

  it.each(blocks.strings)("writes and reads the string $json", ({ utf16, json: token }) => {
    expect(json.dumps(fromUnits(utf16))).toBe(token);
    expect(json.loads(token)).toBe(fromUnits(utf16));
  });

  it.each(blocks.key_order)("sorts $keys", ({ keys, sorted }) => {
    const written = json.dumps(Object.fromEntries(keys.map((key) => [key, null])));
    expect([...json.loadsFields(written).keys()]).toEqual(sorted);
  });

  it.each(blocks.http_dates)("writes the date $text", ({ epoch, text }) => {
    expect(formatHttpDate(epoch * 1000)).toBe(text);
  });

  it.each(blocks.parse_dates)("reads the date $text", ({ text, result }) => {
    expect(parseHttpDate(text)).toEqual(fromNotation(result));
  });

  const valid = cookies.filter(
    ({ json, expected, payload }) => json !== null && expected === "valid" && payload,
  );
  it.each(valid)("reads and writes the payload of $name", ({ json: text, payload, encode, strict }) => {
    if (strict === "bomb") return;
    const source = text as string;
    const value = fromNotation(payload as Notation);
    expect(() => deepStrictEqual(json.loads(source, { floats: "wrap" }), value)).not.toThrow();
    const canonical = json.dumps(value);
    expect(json.dumps(json.loads(source))).toBe(canonical);
    expect(json.dumpsFields(json.loadsFields(canonical))).toBe(canonical);
    expect(encode === "none" || canonical === source).toBe(true);
  });

  const refused = cookies.filter(
    ({ json, expected }) => json !== null && /^bad_(?:payload|shape)$/.test(expected),
  );
  it.each(refused)("refuses the payload of $name", ({ json: text, expected }) => {
    expect(() => json.loadsFields(text as string)).toThrow(
      expect.objectContaining({ code: expected.toUpperCase() }),
    );
  });

  it("holds payloads of both kinds", () => {
    expect(valid.length).toBeGreaterThan(100);
    expect(refused.length).toBeGreaterThan(20);
  });
});
