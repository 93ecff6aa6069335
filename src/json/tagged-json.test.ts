import { inspect } from "node:util";
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadPayload, BadShape, ConfigError, UnserializableError } from "../errors.ts";
import { isInt } from "./python-text.ts";
import { taggedText } from "../../test/support/tagged-texts.ts";
import { isPlainObject } from "./values.ts";
import { TaggedJSONSerializer } from "./tagged-json.ts";
import type { Tag } from "./tags.ts";
import { float, Markup, tuple, Tuple, UUID } from "./values.ts";

const json = new TaggedJSONSerializer();
const wrapped = { floats: "wrap" } as const;

const units = fc
  .array(fc.nat({ max: 0xffff }), { maxLength: 8 })
  .map((codes) => String.fromCharCode(...codes));
const text = fc.oneof(
  fc.string(),
  units,
  fc.constantFrom(" t", " di", " di__", "__proto__", "constructor", "", "10"),
);
const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const second = fc.integer({ min: Date.parse("0100-01-01") / 1000, max: Date.parse("9999-12-31") / 1000 });

/** Everything a session can hold, such that reading gives it back type for type. */
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double().map((number) => (isInt(number) ? float(number) : number)),
    fc.bigInt().filter((int) => !Number.isSafeInteger(Number(int))),
    text,
    text.map((html) => new Markup(html)),
    hex.map((digits) => new UUID(digits)),
    second.map((epoch) => new Date(epoch * 1000)),
    fc.uint8Array(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => Tuple.from(items)),
    fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const anyObject = fc
  .array(fc.tuple(text, anyValue), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries));

describe("TaggedJSONSerializer", () => {
  it("gives every value back type for type", () => {
    for (const options of [{}, { ascii: false }, { sortKeys: false }]) {
      const serializer = new TaggedJSONSerializer(options);
      fc.assert(
        fc.property(anyValue, (value) => {
          expect(() =>
            deepStrictEqual(serializer.loads(serializer.dumps(value), wrapped), value),
          ).not.toThrow();
        }),
        { numRuns: 500 },
      );
    }
  });

  it("writes again the string it read, floats among plain numbers included", () => {
    fc.assert(
      fc.property(fc.oneof(fc.array(anyValue), anyObject), (value) => {
        const written = json.dumps(value);
        expect(json.dumps(json.loads(written))).toBe(written);
        expect(written).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 500 },
    );
  });

  it("cuts a session into fields and joins it, token for token", () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        const written = json.dumps(object);
        const fields = json.loadsFields(written);
        expect(json.dumpsFields(fields)).toBe(written);
        expect(json.fieldsOf(json.loads(written) as Record<string, unknown>)).toEqual(fields);
        const values = Array.from(fields, ([key, value]) => [key, json.loads(value, wrapped)] as const);
        expect(() => deepStrictEqual(Object.fromEntries(values), object)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it("reads anything or throws BadPayload, in fields as in whole", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          taggedText,
          taggedText.map((text) => `{"v":${text}}`),
          fc.json(),
          fc.string(),
        ),
        (source) => {
          const whole = outcomeOf(() => mapping(json.loads(source, wrapped)));
          const cut = outcomeOf(() => {
            const fields = Array.from(json.loadsFields(source));
            return Object.fromEntries(fields.map(([key, text]) => [key, json.loads(text, wrapped)]));
          });
          expect(() => deepStrictEqual(cut, whole)).not.toThrow();
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function mapping(value: unknown): unknown {
  if (!isPlainObject(value)) throw new BadShape("");
  return value;
}

/** What it returns, or the code of the BadPayload it throws. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadPayload) return error.code;
    throw error;
  }
}

describe("dumps", () => {
  it("writes what Flask writes", () => {
    const session = {
      z: tuple("message", "hi"),
      bytes: new Uint8Array([255, 239]),
      buffer: Buffer.from("a"),
      html: new Markup("<b>"),
      id: new UUID("{12345678-1234-5678-1234-567812345678}"),
      when: new Date(-500),
      numbers: [1, float(1), -0, 0.1, 1e16, 10n ** 20n, 5n, NaN, Infinity],
      "é\u{1f600}": "\u007f\u2028\ud800/<>&'",
      none: Object.assign(Object.create(null), { " t": { " di": 1 } }),
    };
    expect(json.dumps(session)).toBe(
      '{"buffer":{" b":"YQ=="},"bytes":{" b":"/+8="},"html":{" m":"<b>"},' +
        '"id":{" u":"12345678123456781234567812345678"},"none":{" di":{" t__":{" di":{" di__":1}}}},' +
        '"numbers":[1,1.0,-0.0,0.1,1e+16,100000000000000000000,5,NaN,Infinity],' +
        '"when":{" d":"Wed, 31 Dec 1969 23:59:59 GMT"},"z":{" t":["message","hi"]},' +
        '"\\u00e9\\ud83d\\ude00":"\\u007f\\u2028\\ud800/<>&\'"}',
    );
  });

  it("keeps order and characters when asked to", () => {
    const relaxed = new TaggedJSONSerializer({ sortKeys: false, ascii: false });
    expect(relaxed.dumps({ b: "é\u007f\n", a: "\ud800" })).toBe('{"b":"é\u007f\\n","a":"\\ud800"}');
    expect(
      relaxed.dumpsFields(
        new Map([
          ["é", "1"],
          ["a", "2"],
        ]),
      ),
    ).toBe('{"é":1,"a":2}');
  });

  it("escapes nothing but an only key that is a tag", () => {
    expect(json.dumps({ " t": 1, a: 2 })).toBe('{" t":1,"a":2}');
    expect(json.dumps({ " x": 1 })).toBe('{" x":1}');
  });

  it("never asks toJSON", () => {
    expect(() => json.dumps({ toJSON: () => 1 })).toThrow(UnserializableError);
  });

  class Account {}
  class Users extends Map {}
  it.each([
    [
      { a: { "b c": [0, undefined] } },
      "undefined cannot be stored. Use null, or leave the key out.",
      's.a["b c"][1]',
    ],
    [Array(2), "undefined cannot be stored. Use null, or leave the key out.", "s[0]"],
    [[() => 1], "A function cannot be stored.", "s[0]"],
    [Symbol("x"), "A symbol cannot be stored.", "s"],
    [new Map(), 'An instance of "Map" cannot be stored. Store Object.fromEntries(map).', "s"],
    [tuple(new Set()), 'An instance of "Set" cannot be stored. Store an array of its items.', "s[0]"],
    [Promise.resolve(), 'An instance of "Promise" cannot be stored. Await it first.', "s"],
    [
      new Account(),
      'An instance of "Account" cannot be stored. Store a plain object, or register a tag for it.',
      "s",
    ],
    [new Users(), 'An instance of "Map" cannot be stored. Store Object.fromEntries(map).', "s"],
    ...[new (class {})(), Object.create({ constructor: 1 })].map((value: unknown) => [
      value,
      'An instance of "Object" cannot be stored. Store a plain object, or register a tag for it.',
      "s",
    ]),
    [
      { a: [1], b: { c: 0 }, d: undefined },
      "undefined cannot be stored. Use null, or leave the key out.",
      "s.d",
    ],
    [{ d: new Date(NaN) }, "A date is invalid or outside the years 1 to 9999.", "s.d"],
    [10n ** 4300n, "An int has more than 4300 digits.", "s"],
  ])("refuses %o with the way to it", (value, reason, path) => {
    const place = `${reason} (${path === "s" ? "at s" : "inside s; error.path says where"})`;
    const message = expect.stringContaining(place) as string;
    expect(() => json.dumps(value, "s")).toThrow(
      expect.objectContaining({ constructor: UnserializableError, message, path }),
    );
  });

  it("names no nested key in what is logged, for it may be data", () => {
    const secret = { sessions: { "ada@example.com": { token: undefined } } };
    const thrownWith = (name: string | undefined): unknown => {
      try {
        return json.dumps(secret, name);
      } catch (error) {
        return error;
      }
    };
    for (const name of [undefined, "users", 'us"ers', "a.b"]) {
      const error = thrownWith(name) as UnserializableError;
      expect(error).toBeInstanceOf(UnserializableError);
      expect(error.path).toMatch(/\["ada@example.com"\]\.token$/);
      expect(`${inspect(error)}${JSON.stringify(error)}${String(error)}`).not.toMatch(/ada@|\btoken\b/);
    }
  });

  it("finds cycles, but no fault with what occurs twice", () => {
    const cart: { items: unknown[] } = { items: [] };
    cart.items.push({ cart });
    expect(() => json.dumps({ cart })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(
          "A value contains itself. (inside cart; error.path says where)",
        ) as string,
        path: "cart.items[0].cart",
      }),
    );
    const shared = [1];
    expect(json.dumps([shared, shared])).toBe("[[1],[1]]");
  });

  it("writes only as deep and as many keys as it reads", () => {
    const nested = (depth: number) => {
      let value: unknown = 0;
      for (let level = 0; level < depth; level++) value = { " t": value };
      return value;
    };
    const deepest = json.dumps(nested(250)); // each level is two in the string
    expect(json.loads(deepest)).toEqual(nested(250));
    for (const key of [" t", "key"]) {
      expect(json.loadsFields(json.dumpsFields(new Map([[key, deepest]])))).toEqual(
        new Map([[key, deepest]]),
      );
    }
    expect(() => json.dumps(nested(251))).toThrow(/nested more than 500 levels/);
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0]));
    expect(json.loads(json.dumps(keys(10_000)))).toEqual(keys(10_000));
    expect(() => json.dumps(keys(10_001))).toThrow(/more than 10000 keys/);
  });

  it.each<[string, unknown, unknown]>([
    ["arrays", [[0], [0], [[[0]]]], [[[[[0]]]]]],
    ["objects", { a: { a: { a: { a: 0 } } } }, { a: { a: { a: { a: {} } } } }],
    ["tuples, of two levels", tuple(tuple(0)), tuple(tuple([]))],
    ["objects that look like tags, of two levels", { " t": { " t": 0 } }, { " t": { " t": [] } }],
    ["what has a tag", [[[new Date(0)]]], [[[[new Date(0)]]]]],
    ["keys", { a: 0, b: { c: 0, d: 0, e: 0 } }, { a: 0, b: { c: 0, d: 0, e: 0, f: 0 } }],
    ["keys of tuples", Array.from({ length: 5 }, () => tuple()), Array.from({ length: 6 }, () => tuple())],
    [
      "keys of tags",
      Array.from({ length: 5 }, () => new Date(0)),
      Array.from({ length: 6 }, () => new Date(0)),
    ],
    [
      "keys of objects that look like tags",
      Array.from({ length: 2 }, () => ({ " t": 0 })),
      Array.from({ length: 3 }, () => ({ " t": 0 })),
    ],
  ])("writes no more than it reads, by limits that are given: %s", (_, most, more) => {
    const small = new TaggedJSONSerializer({ maxDepth: 4, maxKeys: 5 });
    expect(small.loads(small.dumps(most))).toEqual(most);
    expect(() => small.dumps(more)).toThrow(/nested more than 4 levels|more than 5 keys/);
  });

  it("reads no more than that either, with two levels for the session around it", () => {
    const small = new TaggedJSONSerializer({ maxDepth: 4, maxKeys: 5 });
    expect(small.loads("[[[[[[0]]]]]]")).toEqual([[[[[[0]]]]]]);
    expect(() => small.loads("[[[[[[[0]]]]]]]")).toThrow(BadPayload);
    expect(() => small.loads('[{"a":0},{"a":0},{"a":0},{"a":0},{"a":0},{"a":0}]')).toThrow(BadPayload);
  });

  it("sorts and escapes unless told otherwise", () => {
    expect(new TaggedJSONSerializer().dumps({ b: "é", a: 1 })).toBe('{"a":1,"b":"\\u00e9"}');
  });

  it.each([1, 1000])("takes a maxDepth of %i", (maxDepth) => {
    const own = new TaggedJSONSerializer({ maxDepth });
    expect(own.dumps([0])).toBe("[0]");
  });

  it("writes ints of 4300 digits, with a minus as well", () => {
    const long = 10n ** 4300n - 1n;
    expect(json.dumps([long, -long])).toBe(`[${long},-${long}]`);
    expect(() => json.dumps(-long - 1n)).toThrow(/more than 4300 digits/);
  });

  it.each([0, 1001, 1.5, Infinity])(
    "refuses a maxDepth of %s, which the stack or nothing could bear",
    (maxDepth) => {
      expect(() => new TaggedJSONSerializer({ maxDepth })).toThrow(ConfigError);
    },
  );

  it("takes objects of other realms for plain", async () => {
    const { runInNewContext } = await import("node:vm");
    expect(json.dumps(runInNewContext("({ a: [new Date(0), new Uint8Array(1)] })"))).toBe(
      '{"a":[{" d":"Thu, 01 Jan 1970 00:00:00 GMT"},{" b":"AA=="}]}',
    );
  });
});

describe("loads", () => {
  it.each([
    ['{" t":"a\\ud83d\\ude00\\ud800"}', tuple("a", "\u{1f600}", "\ud800")],
    ['{" t":{"x":1,"y":2}}', tuple("x", "y")],
    ['{" t":{" b":"/w=="}}', tuple(255)],
    ['{" t":{" t":[1]}}', tuple(1)],
    ['{" m":5}', new Markup("5")],
    ['{" m":1e16}', new Markup("1e+16")],
    ['{" m":1.0}', new Markup("1.0")],
    ['{" m":-1e400}', new Markup("-inf")],
    ['{" m":NaN}', new Markup("nan")],
    ['{" m":null}', new Markup("None")],
    ['{" m":true}', new Markup("True")],
    ['{" m":false}', new Markup("False")],
    ['{" m":{" u":"12345678123456781234567812345678"}}', new Markup("12345678-1234-5678-1234-567812345678")],
    ['{" t":{" m":"ab"}}', tuple("a", "b")],
    ['{" b":{" b":"WVE9PQ=="}}', new Uint8Array([97])],
    ['{" b":{" m":"YQ=="}}', new Uint8Array([97])],
    ['{" b":"YWJj\\n"}', new Uint8Array([97, 98, 99])],
    ['{" b":"===="}', new Uint8Array()],
    ['{" b":"YQ=!="}', new Uint8Array([97])],
    ['{" b":"YQ=Q="}', new Uint8Array([97, 4])],
    ['{" u":{" m":"12345678123456781234567812345678"}}', new UUID("12345678123456781234567812345678")],
    ['{" d":{" m":"Thu, 01 Jan 1970 00:00:00 GMT"}}', new Date(0)],
    [
      '{" u":"urn:uuid:{12345678-1234-5678-1234-56781234567F}"}',
      new UUID("1234567812345678123456781234567f"),
    ],
    ['{" b":"Y Q\\n=="}', new Uint8Array([97])],
    ['{" b":"YQ==YQ=="}', new Uint8Array([97])],
    ['{" b":"Y=WI="}', new Uint8Array([97, 98])],
    ['{" d":null}', null],
    ['{" d":"unreadable"}', null],
    ['{" d":0}', null],
    ['{" di":{"x":1}}', { "": 1 }],
    ['{" di":{"\\ud83d\\ude00ab":1,"y":2}}', { "\u{1f600}": 1 }],
    ['{" di":{" di":{"x____":1}}}', { x: 1 }],
    ['{" t":1,"x":{" t":[]}}', { " t": 1, x: tuple() }],
    ['{"\\u0020t":[1]}', tuple(1)],
    ['{"a":1,"a":{" t":[]}}', { a: tuple() }],
    ['{"x":{" t":5},"x":1}', { x: 1 }],
    ['{" t":5," t":[1]}', tuple(1)],
  ])("reads %s as Flask does", (source, value) => {
    expect(json.loads(source, wrapped)).toStrictEqual(value);
  });

  it.each(
    [
      [
        '{" t":5}',
        '{" t":null}',
        '{" t":{" u":"12345678123456781234567812345678"}}',
        '{" u":5}',
        '{" u":"1234"}',
      ],
      [
        '{" b":5}',
        '{" b":1234}',
        '{" u":12345678123456781234567812345678}',
        '{" m":[1]}',
        '{" b":"YQ"}',
        '{" b":"YQ="}',
        '{" b":"YQ!!"}',
        '{" b":"Y==="}',
        '{" b":"Y"}',
        '{" b":"_-8="}',
        '{" b":"é"}',
        '{" d":5}',
        '{" d":["x"]}',
        '{" d":NaN}',
      ],
      ['{" di":5}', '{" di":{}}', '{" di":[1]}', '{" di":{" t":[1]}}', '[[{"x":{" t":5}}]]'],
    ].flat(),
  )("refuses %s", (source) => {
    expect(() => json.loads(source)).toThrow(BadPayload);
    expect(() => json.loadsFields(`{"v":${source}}`)).toThrow(BadPayload);
  });

  it.each([
    ["1.0", 1],
    ["-0.0", -0],
    ["-0", 0],
    ["1e400", Infinity],
    ["NaN", NaN],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["-12345678901234567890", -12345678901234567890n],
    ["12345678901234567890.0", 12345678901234567000],
  ])("reads the number %s", (source, value) => {
    expect(Object.is(json.loads(source), value)).toBe(true);
  });

  it("remembers floats by slot, until another value takes it", () => {
    const order = json.loads('{"prices":[1.0,2.0,3],"total":3.0}') as { prices: number[]; total: number };
    expect(order).toStrictEqual({ prices: [1, 2, 3], total: 3 });
    order.prices[1] = 5;
    order.prices.push(1);
    order.total += 5;
    expect(json.dumps(order)).toBe('{"prices":[1.0,5,3,1],"total":8}');
    for (const text of ['{" di":{" t__":1.0}}', '{" di":{" t__":1}}', '{" t":[1.0,1]}', '{"a":{" t":[1.0]}}'])
      expect(json.dumps(json.loads(text))).toBe(text);
    expect(json.loads('{" m":1.0}')).toStrictEqual(new Markup("1.0"));
  });

  it("forgets the float of a repeated key", () => {
    expect(json.dumps(json.loads('{"a":1.0,"a":1}'))).toBe('{"a":1}');
  });

  it("makes properties that can be changed and deleted, beside a float too", () => {
    const value = json.loads('{"a":1.0,"b":2}') as Record<string, unknown>;
    expect(Object.values(Object.getOwnPropertyDescriptors(value))).toEqual([
      { value: 1, writable: true, enumerable: true, configurable: true },
      { value: 2, writable: true, enumerable: true, configurable: true },
    ]);
  });

  it("makes every key an own property and touches no prototype", () => {
    for (const source of ['{"__proto__":{"polluted":1},"n":1}', '{"__proto__":{" t":[1.0]},"n":1.0}']) {
      const value = json.loads(source) as object;
      expect(Object.keys(value)).toEqual(["__proto__", "n"]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(json.dumps(value)).toBe(source);
    }
    expect(json.loads('{" di":{"__proto____":1}}')).toStrictEqual(Object.fromEntries([["__proto__", 1]]));
    expect("polluted" in {}).toBe(false);
  });
});

describe("loadsFields", () => {
  it("keeps strings and order as they came", () => {
    const fields = json.loadsFields(' {"b": 1e5 ,"a":[ {"y":1, "x":1.0} ]}\n');
    expect([...fields]).toEqual([
      ["b", "1e5"],
      ["a", '[ {"y":1, "x":1.0} ]'],
    ]);
    expect(json.dumpsFields(fields)).toBe('{"a":[ {"y":1, "x":1.0} ],"b":1e5}');
  });

  it.each(["null", '""', "[]", '[["a",1]]', "5", "true", '{" t":[["a",1]]}', '{" d":null}', '[{" t":[1]}]'])(
    "tells that %s is no mapping",
    (source) => {
      expect(() => json.loadsFields(source)).toThrow(expect.objectContaining({ code: "BAD_SHAPE" }));
    },
  );

  it.each(["", "{", '{" t":5}', '[{" t":5}]', '{"a":{" u":"x"}}'])(
    "tells that %s cannot be decoded",
    (source) => {
      expect(() => json.loadsFields(source)).toThrow(expect.objectContaining({ code: "BAD_PAYLOAD" }));
    },
  );

  it("undoes the escape of an only key", () => {
    const fields = new Map([[" t", "[1.0]"]]);
    expect(json.dumpsFields(fields)).toBe('{" di":{" t__":[1.0]}}');
    expect(json.loadsFields('{" di":{" t__":[1.0]}}')).toEqual(fields);
    expect(json.loadsFields('{" di":{"x":1}}')).toEqual(new Map([["", "1"]]));
  });

  it("refuses on writing what it would refuse on reading", () => {
    const keys = JSON.stringify(Object.fromEntries(Array.from({ length: 6000 }, (_, n) => [n, 0])));
    expect(() =>
      json.dumpsFields(
        new Map([
          ["a", keys],
          ["b", keys],
        ]),
      ),
    ).toThrow(UnserializableError);
  });
});

describe("loadsEntries and dumpsEntries", () => {
  it("read and write an object that is never a tag, in its order", () => {
    const text = '{" t":[1.50],"b":{" d":"Thu, 01 Jan 1970 00:00:00 GMT"},"a":{"z":1}}';
    expect(json.dumpsEntries(json.loadsEntries(text))).toBe(text);
    expect(json.dumpsEntries(json.loadsEntries('{" t":1}'))).toBe('{" t":1}');
    expect(json.dumpsEntries(new Map())).toBe("{}");
  });

  it.each(["[]", "1", "{", '{"a":{" u":"x"}}'])("read nothing else: %s", (text) => {
    expect(() => json.loadsEntries(text)).toThrow(BadPayload);
  });

  it("write no more keys than they read", () => {
    const small = new TaggedJSONSerializer({ maxKeys: 3 });
    const entries = new Map([
      ["a", '{"b":0}'],
      ["c", '"longer than three keys"'],
    ]);
    expect(small.loadsEntries(small.dumpsEntries(entries))).toEqual(entries);
    expect(() => small.dumpsEntries(new Map([...entries, ["d", "0"]]))).toThrow(UnserializableError);
  });
});

describe("register", () => {
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
  }
  const money: Tag<Money> = {
    key: " $",
    check: (value) => value instanceof Money,
    toJSON: ({ cents }) => tuple(cents, "EUR"),
    toValue: (stored) => new Money((stored as Tuple<number>)[0] ?? NaN),
  };

  it("adds a type, and escapes objects that look like it", () => {
    const own = new TaggedJSONSerializer({ tags: [money] });
    expect(own.dumps([new Money(5)])).toBe('[{" $":{" t":[5,"EUR"]}}]');
    expect(own.loads('[{" $":{" t":[5,"EUR"]}}]')).toStrictEqual([new Money(5)]);
    expect(own.dumps({ " $": 1 })).toBe('{" di":{" $__":1}}');
    expect(json.dumps({ " $": 1 })).toBe('{" $":1}');
  });

  it("asks tags in order: an earlier index wins over a built-in type", () => {
    const sorted: Tag = {
      key: " s",
      check: Array.isArray,
      toJSON: String,
      toValue: (list) => String(list).split(","),
    };
    const late = new TaggedJSONSerializer({ tags: [sorted] });
    expect(late.dumps(["a", "b"])).toBe('["a","b"]');
    const early = new TaggedJSONSerializer();
    early.register(sorted, { index: 0 });
    expect(early.dumps({ x: ["a", "b"] })).toBe('{"x":{" s":"a,b"}}');
  });

  it("refuses a key twice, unless forced", () => {
    const own = new TaggedJSONSerializer();
    const loud: Tag = { key: " d", check: () => false, toJSON: (value) => value, toValue: () => "date!" };
    expect(() => own.register(loud)).toThrow(ConfigError);
    own.register(loud, { force: true });
    expect(own.loads('{" d":1}')).toBe("date!");
    expect(own.dumps(new Date(0))).toBe('{" d":"Thu, 01 Jan 1970 00:00:00 GMT"}');
    expect(() => own.register({ ...loud, key: "d" })).toThrow(ConfigError);
  });

  it("turns what a tag throws into its own errors", () => {
    const cause = new Error("no");
    const broken: Tag = {
      key: " x",
      check: (value) => value === "x",
      toJSON: () => {
        throw cause;
      },
      toValue: () => {
        throw cause;
      },
    };
    const own = new TaggedJSONSerializer({ tags: [broken] });
    const error = (constructor: unknown) => expect.objectContaining({ constructor, cause }) as Error;
    expect(() => own.dumps(["x"])).toThrow(error(UnserializableError));
    expect(() => own.loadsFields('{"a":{" x":1}}')).toThrow(error(BadPayload));
    expect(() => own.dumps(undefined)).toThrow(expect.not.objectContaining({ cause: undefined }) as Error);
    const once: Tag = { ...broken, key: " y", toValue: () => ({ a: () => 1 }) };
    const reading = new TaggedJSONSerializer({ tags: [once] });
    expect(() => reading.loadsFields('{" y":1}')).toThrow(BadPayload);
    own.register({ ...broken, toJSON: (value) => value }, { force: true, index: 0 });
    expect(() => own.dumps("x")).toThrow(/nested more than 500 levels/);
  });
});
