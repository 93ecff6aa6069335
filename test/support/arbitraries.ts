import * as fc from "fast-check";
import { toBits, type Notation } from "./vectors/notation.ts";

/** Any text a session can hold: all of Unicode, control characters, and halves of surrogate pairs. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc
    .array(fc.integer({ min: 0, max: 0xff_ff }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
);

/** Keys that have caused accidents somewhere. */
const oddKeys = ["", " ", " t", " b", " m", " u", " d", " di", " di__", " t__", "__proto__", "constructor"];
const moreOddKeys = [
  "toString",
  "hasOwnProperty",
  "then",
  "get",
  "size",
  "10",
  "9",
  "01",
  "-1",
  "\u{1F600}",
  "\uFFEE",
];
const key = fc.oneof(text, fc.constantFrom(...oddKeys, ...moreOddKeys));

const int = fc
  .oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 10n ** 40n),
  )
  .map((value): Notation => ({ t: "int", v: String(value) }));

const float = fc
  .oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 1e16, 1e15, 1e-5, 5e-324, 1e21, 2 ** 53))
  .map((value): Notation => ({ t: "float", v: String(value), bits: toBits(value) }));

const FIRST = Date.UTC(1000, 0, 1) / 1000;
const LAST = Date.UTC(9999, 11, 31) / 1000;

const leaf: fc.Arbitrary<Notation> = fc.oneof(
  fc.constant({ t: "null" } as const),
  fc.boolean().map((v): Notation => ({ t: "bool", v })),
  int,
  float,
  text.map((v): Notation => ({ t: "str", v })),
  text.map((v): Notation => ({ t: "markup", v })),
  fc.uint8Array({ maxLength: 9 }).map((v): Notation => ({ t: "bytes", hex: Buffer.from(v).toString("hex") })),
  fc.uuid().map((v): Notation => ({ t: "uuid", v })),
  fc.integer({ min: FIRST, max: LAST }).map((epoch): Notation => ({ t: "datetime", v: "", epoch })),
);

const { value, dict } = fc.letrec<{ value: Notation; dict: Notation & { t: "dict" } }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    { arbitrary: leaf, weight: 4 },
    fc.array(tie("value"), { maxLength: 4 }).map((v): Notation => ({ t: "tuple", v })),
    fc.array(tie("value"), { maxLength: 4 }).map((v): Notation => ({ t: "list", v })),
    tie("dict"),
  ),
  dict: fc
    .uniqueArray(fc.tuple(key, tie("value")), { maxLength: 4, selector: ([name]) => name })
    .map((v) => ({ t: "dict" as const, v })),
}));

/** The key of a session. */
export const sessionKey: fc.Arbitrary<string> = key;
/** Any value a session can hold, in the notation of the vectors, which both languages can read. */
export const sessionValue: fc.Arbitrary<Notation> = value;
/** A whole session, perhaps empty. */
export const sessionData: fc.Arbitrary<Notation & { t: "dict" }> = dict;
