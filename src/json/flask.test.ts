import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadPayload } from "../errors.ts";
import { TaggedJSONSerializer } from "./tagged-json.ts";

/** Reads a JSON list of texts and answers what Flask makes of each: the text it writes again, or null for an error. */
const FLASK = `
import json, sys
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
serializer = TaggedJSONSerializer()
def again(text):
    try:
        return serializer.dumps(serializer.loads(text))
    except Exception:
        return None
with Flask("differential").app_context():
    json.dump([again(text) for text in json.load(sys.stdin)], sys.stdout)
`;

function askFlask(texts: readonly string[]): (string | null)[] {
  const run = spawnSync("python3", ["-c", FLASK], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  if (run.status !== 0) throw new Error(`Flask could not be asked: ${run.stderr}`);
  return JSON.parse(run.stdout) as (string | null)[];
}

const hasFlask = spawnSync("python3", ["-c", "import flask, flask.json.tag"]).status === 0;
const json = new TaggedJSONSerializer();

function again(text: string): string | null {
  try {
    return json.dumps(json.loads(text));
  } catch (error) {
    if (error instanceof BadPayload) return null;
    throw error;
  }
}

const word = fc.constantFrom(
  ...[
    "null",
    "true",
    "0",
    "-0",
    "1",
    "-17",
    "1.0",
    "-0.0",
    "2.50",
    "1e5",
    "1E-7",
    "1e16",
    "1e400",
    "NaN",
    "-Infinity",
  ],
  ...["9007199254740993", "123456789012345678901234567890", "0.1", "123456789.125", "5e-324"],
  ...[
    '""',
    '"a"',
    '"YQ=="',
    '"Y Q=="',
    '"YQ"',
    '"12345678123456781234567812345678"',
    '"\\ud800x\\ud83d\\ude00"',
    '"é"',
  ],
  ...['"Sun, 06 Nov 1994 08:49:37 GMT"', '"06 Nov 94 08:49 EST"', '"Sun Nov  6 08:49:37 1994"', "[]", "{}"],
);
const key = fc.constantFrom(
  '" t"',
  '" di"',
  '" b"',
  '" u"',
  '" d"',
  '"\\u0020t"',
  '"a"',
  '"b__"',
  '" t__"',
  '"é"',
  '"\\ud83d\\ude00"',
  '"\\uffee"',
  '"__proto__"',
);
/** Flask writes only strings here. What Python's `str` makes of lists and the like is not worth imitating. */
const markup = fc
  .constantFrom('"<b>"', '"\\u00e9"', "5", "-0", "1.5", "1e400", "null", "true", "12345678901234567890")
  .map((html) => `{" m":${html}}`);
const { text: anyText } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4 },
    word,
    markup,
    fc.array(tie("text"), { maxLength: 3 }).map((items) => `[${items.join(" ,")}]`),
    fc.tuple(key, tie("text")).map(([name, item]) => `{${name}:${item}}`),
    fc
      .array(fc.tuple(key, tie("text")), { maxLength: 3 })
      .map((all) => `{${all.map((pair) => pair.join(": ")).join()}}`),
  ),
}));
/** Containers, since a bare \`1.0\` has nobody to remember that it is a float. */
const sessionText = anyText.map((text) => `{"v":${text},"w":[${text}]}`);

describe.skipIf(!hasFlask)("TaggedJSONSerializer beside Flask's (needs python3 with Flask)", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);

  it(`reads and writes again the same (seed ${seed})`, () => {
    const texts = fc.sample(sessionText, { numRuns: 5000, seed });
    const answers = askFlask(texts);
    for (const [index, text] of texts.entries()) expect([text, again(text)]).toEqual([text, answers[index]]);
  });

  it(`accepts the same numbers and strings (seed ${seed})`, () => {
    const chars = (alphabet: string) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map((all) => all.join(""));
    const broken = fc.oneof(
      chars("0123456789.eE+-").map((number) => `[${number}]`),
      chars('\\"/bfnrtuU0a9F \n\u007f').map((string) => `["${string}"]`),
      chars('[]{},:"a0 \t\u00a0'),
    );
    const texts = fc.sample(broken, { numRuns: 5000, seed });
    const answers = askFlask(texts);
    for (const [index, text] of texts.entries()) {
      expect([text, again(text)]).toEqual([text, answers[index]]);
    }
  });
});
