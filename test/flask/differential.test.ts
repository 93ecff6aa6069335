import * as fc from "fast-check";
import { flaskCodec, SessionManager, stateOf, TaggedJSONSerializer } from "hipflask";
import { Signer } from "hipflask/itsdangerous";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessionData } from "../support/arbitraries.ts";
import { secretOf } from "../support/vectors/check.ts";
import { describe as portray, describeFields, toValue } from "../support/vectors/notation.ts";
import { findFlasks, FlaskProcess, SECRET, told, type Answer } from "./flask-process.ts";
import { FORGERIES, type Forger } from "./forgeries.ts";
import { MUTATIONS } from "./mutations.ts";
import { Random } from "./random.ts";

const NOW = 1_700_000_000;
const MAX_AGE = 5000;
const BATCH = 500;
const isFull = process.env["CI"] !== undefined || process.env["HIPFLASK_FULL"] !== undefined;
const COOKIES = isFull ? 21_000 : 6000;
const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 2 ** 31);

/**
 * Where hipflask may refuse what Flask accepts (flask-session §0 rule 2): base64 and UUIDs as no writer spells them,
 * and what Python's `dict()`, `str()` and `tuple()` make of values that Flask's own writer puts in no such place.
 */
function mayRefuse({ kind, header }: Case): boolean {
  if (kind.startsWith("signed: strange tags")) return true;
  const segments = header.replace(/^session=\.?/, "").split(".");
  const isCanonical = (segment: string) =>
    Buffer.from(segment, "base64url").toString("base64url") === segment;
  if (segments.length !== 3 || !segments.every(isCanonical)) return true;
  const content = Buffer.from(segments[0]!, "base64url").toString();
  // Python's int(text, 16) also takes 1_0 and +10.
  return !/^\s*\{/.test(content) || /" u":"(?![\da-f]{32}")/i.test(content);
}

interface Case {
  readonly kind: string;
  readonly header: string;
}

/** What became of a cookie on one side: the session, or undefined for anything but one with data. */
type Found = string | undefined;

describe.each(findFlasks().slice(0, 1))(
  "a hostile cookie before Flask $version and hipflask",
  (flaskHere) => {
    let flask: FlaskProcess;
    beforeAll(async () => {
      flask = await FlaskProcess.start(flaskHere);
    });
    afterAll(() => flask?.stop());

    it.skipIf(flaskHere.isSkipped)(
      `is never accepted where Flask refuses it, ${COOKIES} times (seed ${seed})`,
      async () => {
        const cases = makeCases();
        const stricter = new Map<string, number>();
        const accepted = new Map<string, number>();
        const wrong: unknown[] = [];
        // All asked at once, so that neither side waits for the other.
        const batches = Array.from({ length: COOKIES / BATCH }, (_, n) =>
          cases.slice(n * BATCH, (n + 1) * BATCH),
        );
        const asked = batches.map((batch) => flask.ask(batch.map(({ header }) => requestOf(header))));
        for (const [n, batch] of batches.entries()) {
          const answers = await asked[n]!;
          batch.forEach((one, index) => {
            const theirs = foundByFlask(answers[index]!);
            const ours = foundByHipflask(one.header);
            if (ours === theirs) {
              if (ours !== undefined) count(accepted, one.kind);
            } else if (ours === undefined && mayRefuse(one)) count(stricter, one.kind);
            else wrong.push({ ...one, ours, theirs });
          });
        }
        expect(wrong.slice(0, 5)).toEqual([]);
        // A comparison in which hardly anything is accepted by both would prove nothing.
        expect(accepted.get("untouched")).toBe(cases.filter(({ kind }) => kind === "untouched").length);
        expect(total(accepted)).toBeGreaterThan(COOKIES / 10);
        expect(total(stricter)).toBeLessThan(COOKIES / 10);
      },
      120_000,
    );
  },
);

/** Half of the cookies are changed without the key, half are forged with it. */
function makeCases(): Case[] {
  const random = new Random(seed);
  const forger: Forger = {
    signer: new Signer(secretOf(SECRET), { salt: "cookie-session", keyDerivation: "hmac" }),
    now: NOW,
    maxAge: MAX_AGE,
  };
  const sessions = fc.sample(sessionData, { seed, numRuns: 400 }).filter(({ v }) => v.length > 0);
  const texts = sessions.map((session) => json.dumps(toValue(session)));
  const cookies = texts.map((text) => {
    const codec = flaskCodec({ secretKey: secretOf(SECRET), compress: random.pick(["flask", false]) });
    const signedAt = NOW - random.below(MAX_AGE + 1);
    return codec.encode(json.loadsFields(text), { now: signedAt * 1000, maxAge: MAX_AGE, cookieName: "" });
  });
  const mutations = Object.entries(MUTATIONS);
  const forgeries = Object.entries(FORGERIES);
  return Array.from({ length: COOKIES }, (_, index) => {
    if (index % 2 === 0) {
      const [kind, mutate] = mutations[(index / 2) % mutations.length]!;
      return { kind, header: `session=${mutate(random, random.pick(cookies), random.pick(cookies))}` };
    }
    const [kind, forge] = forgeries[((index - 1) / 2) % forgeries.length]!;
    return { kind, header: `session=${forge(random, forger, random.pick(texts))}` };
  });
}

function requestOf(header: string) {
  return told({
    now: NOW,
    config: { PERMANENT_SESSION_LIFETIME: MAX_AGE },
    request_cookie_header: header,
    ops: [["dict"]],
  });
}

/** Flask's 500 is a refusal. */
function foundByFlask({ status, results }: Answer): Found {
  const session = results[0]?.ok;
  return status === 200 && session?.v.length > 0 ? portray(session) : undefined;
}

/** Whatever is thrown here fails the test. */
function foundByHipflask(header: string): Found {
  const { session } = manager.requestContext({
    headers: { get: (name) => (name === "Cookie" ? header : null) },
  });
  const { fields } = stateOf(session).opened;
  if (fields.size === 0) return undefined;
  // As an app holds it, a number alone does not tell 1 from 1.0; in everything else its view must be the same.
  const seen = [...session.entries()].map(([key, value]): [string, string] => {
    return [key, typeof value === "number" ? fields.get(key)! : json.dumps(value)];
  });
  const [found, view] = [describeFields(fields), describeFields(seen)];
  return found === view ? found : `${found}, and an app sees ${view}`;
}

const json = new TaggedJSONSerializer();
const manager = new SessionManager({ secretKey: secretOf(SECRET), lifetime: MAX_AGE, now: () => NOW * 1000 });

function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

function total(counts: Map<string, number>): number {
  return [...counts.values()].reduce((sum, each) => sum + each, 0);
}
