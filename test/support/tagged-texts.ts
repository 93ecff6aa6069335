import * as fc from "fast-check";

const words = [
  ["null", "true", "0", "-0", "1", "-17", "9007199254740993", "123456789012345678901234567890"],
  [
    "0.1",
    "1.0",
    "-0.0",
    "2.50",
    "123456789.125",
    "1e5",
    "1E-7",
    "1e16",
    "1e400",
    "5e-324",
    "NaN",
    "-Infinity",
  ],
  ["[]", "{}", '""', '"a"', '"é"', '"\\ud800x\\ud83d\\ude00"'],
  ['"YQ=="', '"Y Q=="', '"YQ"', '"12345678123456781234567812345678"'],
  ['"Sun, 06 Nov 1994 08:49:37 GMT"', '"06 Nov 94 08:49 EST"', '"Sun Nov  6 08:49:37 1994"'],
].flat();
const keys = [
  ['" t"', '" di"', '" b"', '" u"', '" d"', '"\\u0020t"', '" t__"', '" x"'],
  ['"a"', '"b__"', '"é"', '"\\ud83d\\ude00"', '"\\uffee"', '"__proto__"'],
].flat();
/** Flask writes only strings here. What Python's `str` makes of lists and the like is not worth imitating. */
const html = ['"<b>"', '"\\u00e9"', "5", "-0", "1.5", "1e400", "null", "true", "12345678901234567890"];

/** JSON texts full of tags, right and wrong ones, and of numbers that JSON.parse would spoil. */
export const { text: taggedText } = fc.letrec<{ text: string }>((tie) => {
  const pair = fc.tuple(fc.constantFrom(...keys), tie("text")).map(([key, value]) => `${key}: ${value}`);
  return {
    text: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...words),
      fc.constantFrom(...html).map((value) => `{" m":${value}}`),
      fc.array(tie("text"), { maxLength: 3 }).map((items) => `[${items.join(" ,")}]`),
      pair.map((only) => `{${only}}`),
      fc.array(pair, { maxLength: 3 }).map((pairs) => `{${pairs.join()}}`),
    ),
  };
});
