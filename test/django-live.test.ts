import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { dictionary, jsonValue, sample, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { djangoCodec, djangoSessionData } from "../src/codecs/django.ts";
import { TaggedJSONSerializer } from "../src/json/tagged-json.ts";

const secretKey = "django-insecure-shared-by-both";

/** Reads every text, and writes what it read: [[as JSON, as a cookie, as stored data], …]. */
const DJANGO = `
import json, sys
import django
from django.conf import settings
settings.configure(SECRET_KEY=${JSON.stringify(secretKey)}, SESSION_COOKIE_AGE=3600)
django.setup()
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.contrib.sessions.backends.db import SessionStore as DbStore
answers = []
for cookie, stored in json.load(sys.stdin):
    store = CookieStore(cookie)
    data = store.load()
    db = DbStore()
    assert db.decode(stored) == data, (stored, data)
    again = CookieStore()
    again.update(data)
    again.save()
    answers.append([json.dumps(data), again.session_key, db.encode(data)])
json.dump(answers, sys.stdout)
`;

/** The first python3 on the PATH that has Django: there is often more than one. */
const python = (process.env.PATH ?? "")
  .split(delimiter)
  .map((directory) => join(directory, "python3"))
  .find((path) => spawnSync(path, ["-c", "import django"]).status === 0);

function askDjango(
  texts: readonly (readonly [string, string])[],
): [json: string, cookie: string, stored: string][] {
  const run = spawnSync(python!, ["-c", DJANGO], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  if (run.status !== 0) throw new Error(`Django could not be asked: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

describe.skipIf(python === undefined)(
  "sessions shared with a live Django (needs python3 with Django)",
  () => {
    const seed = Math.floor(Math.random() * 2 ** 31);

    it(`are the same on both sides, in both directions (seed ${seed})`, () => {
      const codec = djangoCodec({ secretKey });
      const data = djangoSessionData({ secretKey });
      const json = new TaggedJSONSerializer({ sortKeys: false });
      const context = { now: Date.now(), maxAge: 3600, cookieName: "sessionid" };

      const sessions = sample(dictionary(string({ unit: "binary" }), jsonValue({ stringUnit: "binary" })), {
        numRuns: 300,
        seed,
      });
      const written = sessions.map((session) => json.fieldsOf(session as Record<string, unknown>));
      const answers = askDjango(
        written.map((fields) => [codec.encode(fields, context), data.encode(fields, context.now)] as const),
      );

      expect(answers).toHaveLength(300);
      for (const [i, [read, cookie, stored]] of answers.entries()) {
        expect(JSON.parse(read)).toEqual(sessions[i]);
        // Fields compare text for text: Django has written every number as it was.
        expect(codec.decode(cookie, { ...context, now: Date.now() })).toMatchObject({
          ok: true,
          fields: written[i],
        });
        expect(data.decode(stored)).toMatchObject({ ok: true, fields: written[i] });
      }
    });
  },
);
