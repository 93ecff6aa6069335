import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadPayload } from "../../src/errors.ts";
import { taggedText } from "../support/tagged-texts.ts";
import { TaggedJSONSerializer } from "../../src/json/tagged-json.ts";

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

/** Containers, since nothing remembers that a bare `1.0` is a float. */
const sessionText = taggedText.map((text) => `{"v":${text},"w":[${text}]}`);

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
