import { describe, expect, it } from "vitest";
import { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { DEFAULT_LIMITS } from "./record.ts";
import {
  applyChange,
  applyFieldChanges,
  decodeHead,
  decodeRecord,
  encodeRecord,
  HEAD_LENGTH,
  newRecord,
  type SessionRecord,
} from "./record.ts";
import { newToken } from "./token.ts";

const json = new TaggedJSONSerializer();
const token = newToken();
const expiry = { idle: 60 };
const T = 1_800_000_000_000;

function recordOf(fields: Record<string, string> = {}): SessionRecord {
  return newRecord(token, new Map(Object.entries(fields)), { expiry }, T);
}

describe("encodeRecord and decodeRecord", () => {
  it("keep every string letter for letter", () => {
    const fields = {
      "a b": "1.0",
      __proto__x: '{" t":[1,2]}',
      "\ud800": '"\\ud800"',
      " t": "[1]",
      'q"\n': "NaN",
    };
    const record = recordOf(fields);
    const decoded = decodeRecord(token.selector, encodeRecord(record, DEFAULT_LIMITS, json), json);
    expect([...decoded!.fields]).toEqual(Object.entries(fields));
    expect({ ...decoded, section: undefined }).toEqual({ ...record, section: undefined });
  });

  it("write fields that did not change as they stood", () => {
    const text = encodeRecord(recordOf({ a: "1" }), DEFAULT_LIMITS, json).replace('"a":1', '"a" : 1 ');
    const decoded = decodeRecord(token.selector, text, json)!;
    expect(decoded.fields).toEqual(new Map([["a", "1"]]));
    expect(encodeRecord(applyChange(decoded, { expiry }, T + 5), DEFAULT_LIMITS, json)).toMatch(
      /\n\{"a" : 1 \}$/,
    );
    const set = new Map([["b", "2"]]);
    expect(encodeRecord(applyChange(decoded, { expiry, set }, T + 5), DEFAULT_LIMITS, json)).toMatch(
      /\n\{"a":1,"b":2\}$/,
    );
  });

  it.each(["", "[]", "null", "{}", '["1"]\n{}', "\n", "{}\n{}"])("read nothing from %j", (text) => {
    expect(decodeRecord(token.selector, text, json)).toBeUndefined();
  });

  it("read nothing from a string that was cut, changed or is too deep", () => {
    const text = encodeRecord(recordOf({ a: '{"b":[1,2]}' }), DEFAULT_LIMITS, json);
    for (let length = 0; length < text.length; length++)
      expect(decodeRecord(token.selector, text.slice(0, length), json)).toBeUndefined();
    expect(decodeRecord(token.selector, `${text}x`, json)).toBeUndefined();
    const deep = text.replace("[1,2]", "[".repeat(5000) + "]".repeat(5000));
    expect(decodeRecord(token.selector, deep, json)).toBeUndefined();
  });

  it("have the longest head within its length, so that lists read no data", () => {
    const device = JSON.stringify("\u0001".repeat(169));
    const login = { owner: "\u0001".repeat(255), authenticatedAt: T };
    const record = {
      ...newRecord(token, new Map(), { expiry, device, login }, T),
      ancestors: "a".repeat(64),
    };
    const head = encodeRecord(record, DEFAULT_LIMITS, json).slice(0, HEAD_LENGTH);
    expect(decodeHead(token.selector, head)).toMatchObject({ device, owner: login.owner });
  });

  it("refuse what is too large, naming keys and sizes only, and what no column can keep", () => {
    const large = recordOf({ secret: `"${"x".repeat(300_000)}"`, small: "1" });
    expect(() => encodeRecord(large, DEFAULT_LIMITS, json)).toThrow(
      /"secret" \(300002 bytes\), "small" \(1 bytes\)/,
    );
    const many = recordOf(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`k${n}`, "1"])));
    expect(() => encodeRecord(many, DEFAULT_LIMITS, json)).toThrow(/1001 fields/);
    expect(() => encodeRecord(recordOf({ a: '"\0"' }), DEFAULT_LIMITS, json)).toThrow(/NUL/);
    expect(() => encodeRecord(recordOf({ a: '"\ud800"' }), DEFAULT_LIMITS, json)).toThrow(/surrogate/);
  });
});

describe("changed", () => {
  it("applies keep, unset, set and transactions in this order", () => {
    const fields = new Map([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
      ["n", "4"],
    ]);
    const next = applyFieldChanges(fields, {
      keep: ["a", "b", "n"],
      unset: ["b"],
      set: new Map([["d", "5"]]),
      transactions: new Map<string, (text: string | null) => string | null>([
        ["n", (text: string | null) => String(Number(text) + 1)],
        ["c", (text: string | null) => (text === null ? "absent" : text)],
        ["a", () => null],
      ]),
    });
    expect([...next]).toEqual(
      [
        ["n", "5"],
        ["d", "5"],
        ["c", "absent"],
      ].map(([key, text]) => [key, text]),
    );
    expect(applyFieldChanges(fields, {})).toBe(fields);
  });

  it("kills the verifier before a rotation without grace, whatever a clock says", () => {
    const next = { verifierHash: "next", grace: 0 };
    expect(applyChange(recordOf(), { expiry, next }, T + 100)).toMatchObject({
      verifierHash: "next",
      previousHash: token.verifierHash,
      previousUntil: 0,
      rotatedAt: T + 100,
    });
    const later = applyChange(recordOf(), { expiry, next: { ...next, grace: 30 } }, T + 100);
    expect(later.previousUntil).toBe(T + 30_100);
  });

  it("lets activity extend the idle limit only, and a login both", () => {
    const record = newRecord(token, new Map(), { expiry: { idle: 60, absolute: 100 } }, T);
    expect(applyChange(record, { expiry }, T + 50_000)).toMatchObject({
      expiresAt: T + 100_000,
      lastSeenAt: T + 50_000,
    });
    const login = { owner: "ada", authenticatedAt: T + 49_000 };
    expect(applyChange(record, { expiry: { idle: 60, absolute: 100 }, login }, T + 50_000)).toMatchObject({
      ...login,
      expiresAt: T + 110_000,
      absoluteAt: T + 150_000,
    });
  });
});
