import { describe, expect, it } from "vitest";
import { UnserializableError } from "../errors.ts";
import { compactJSON, pythonJSON } from "./json.ts";

const value = { a: [1, [], {}, [2, { b: null }]], "k, \n x": "é\u007f\u{1f600}\n ,: ", c: true, d: 1.5 };

describe("pythonJSON", () => {
  it("writes what Python's json.dumps writes", () => {
    expect(pythonJSON.dumps(value)).toBe(
      String.raw`{"a": [1, [], {}, [2, {"b": null}]], "k, \n x": "\u00e9\u007f\ud83d\ude00\n ,: ", "c": true, "d": 1.5}`,
    );
    expect(pythonJSON.dumps([])).toBe("[]");
    expect(pythonJSON.dumps("a")).toBe('"a"');
  });

  it("reads what it writes", () => {
    expect(pythonJSON.loads(pythonJSON.dumps(value))).toEqual(value);
  });
});

describe("compactJSON", () => {
  it("writes without spaces and leaves letters as they are", () => {
    expect(compactJSON.dumps({ a: [1, "é\u007f"], b: {} })).toBe('{"a":[1,"é\u007f"],"b":{}}');
  });
});

describe.each([
  ["pythonJSON", pythonJSON],
  ["compactJSON", compactJSON],
])("%s", (_, json) => {
  it.each([[undefined], [() => 1], [Symbol("s")]])("refuses %s, which has no JSON form", (value) => {
    expect(() => json.dumps(value)).toThrow(UnserializableError);
  });

  it("keeps a key named __proto__ an ordinary key", () => {
    const loaded = json.loads('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    expect(Object.keys(loaded)).toEqual(["__proto__"]);
    expect(loaded["admin"]).toBeUndefined();
  });
});
