import * as fc from "fast-check";
import type { FlaskConfig } from "hipflask";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessionValue } from "../support/arbitraries.ts";
import { judge } from "../support/vectors/check.ts";
import type { Notation } from "../support/vectors/notation.ts";
import { checkRequest, type RequestVector } from "../support/vectors/requests.ts";
import { findFlasks, FlaskProcess, keyOf, SECRET, told, type Answer, type Told } from "./flask-process.ts";

const isFull = process.env["CI"] !== undefined || process.env["HIPFLASK_FULL"] !== undefined;
const VISITORS = isFull ? 250 : 100;
const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 2 ** 31);

/** Since then a look at the session is a look at the session, whichever way (GHSA-68rp-wp8r-4726). */
const LEAST = "3.1.3";

type Op = readonly [string, ...unknown[]];

const key = fc.constantFrom("a", "b", "user_id", "get", "modified", "__proto__", " t", "10", "_permanent");
const bool = fc.boolean().map((v): Notation => ({ t: "bool", v }));
const dict = fc
  .uniqueArray(fc.tuple(key, sessionValue), { maxLength: 3, selector: ([name]) => name })
  .map((v): Notation => ({ t: "dict", v }));

/** What a view may do, some of it in two steps. */
const ops: fc.Arbitrary<readonly Op[]> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom("get", "getitem", "contains", "del", "pop"), key).map((op): Op[] => [op]),
      fc
        .tuple(fc.constantFrom("set", "setdefault", "pop-default"), key, sessionValue)
        .map((op): Op[] => [op]),
      fc
        .constantFrom(
          "len",
          "keys",
          "bool",
          "read-modified",
          "read-permanent",
          "popitem",
          "clear",
          "get-flashed",
        )
        .map((name): Op[] => [[name]]),
      fc.tuple(fc.constantFrom("modified", "permanent"), bool).map((op): Op[] => [op]),
      dict.map((value): Op[] => [["update", value]]),
      fc.tuple(fc.string(), fc.constantFrom("info", "error")).map((texts): Op[] => [["flash", ...texts]]),
      sessionValue.map((value): Op[] => [
        ["setdefault", "list", { t: "list", v: [] }],
        ["nested-append", "list", value],
      ]),
    ),
    { maxLength: 5 },
  )
  .map((steps) => steps.flat());

const config = fc.record(
  {
    SESSION_REFRESH_EACH_REQUEST: fc.boolean(),
    PERMANENT_SESSION_LIFETIME: fc.constantFrom(2, 60, 3600, 86_400.75),
    SESSION_COOKIE_NAME: fc.constantFrom("session", "sid", "__Host-session"),
    SESSION_COOKIE_DOMAIN: fc.constantFrom("example.com", ".example.com", false),
    SESSION_COOKIE_PATH: fc.constantFrom("/shop", "/a b/é", ""),
    APPLICATION_ROOT: fc.constantFrom("/", "/app"),
    SESSION_COOKIE_HTTPONLY: fc.boolean(),
    SESSION_COOKIE_SECURE: fc.boolean(),
    SESSION_COOKIE_SAMESITE: fc.constantFrom("Lax", "strict", "NONE"),
    SESSION_COOKIE_PARTITIONED: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<FlaskConfig>;

const view = fc.record({
  status: fc.constantFrom(200, 302, 404, 500),
  vary: fc.constantFrom(null, "Accept", "cookie", "*"),
  raises: fc.constantFrom(false, false, false, true),
});

/** One visitor's requests to an app, with the seconds between them. */
const visitor = fc.record({
  config,
  secretKey: fc.constantFrom(SECRET, SECRET, SECRET, keyOf("張三 🍪"), null),
  requests: fc.array(fc.record({ ops, view, pause: fc.constantFrom(0, 0.5, 1, 2, 3, 61, 90_000) }), {
    minLength: 3,
    maxLength: 8,
  }),
});

describe.each(findFlasks(LEAST))("a request to Flask $version and to hipflask", (flaskHere) => {
  let flask: FlaskProcess;
  beforeAll(async () => {
    flask = await FlaskProcess.start(flaskHere);
  });
  afterAll(() => flask?.stop());

  it.skipIf(flaskHere.isSkipped)(
    `has the same results, flags, headers and cookie (${VISITORS} visitors, seed ${seed})`,
    async () => {
      for (const { config, secretKey, requests } of fc.sample(visitor, { seed, numRuns: VISITORS })) {
        let now = 1_700_000_000.25;
        let cookie: string | null = null;
        for (const { pause, ...request } of requests) {
          now += pause;
          const asked = told({
            ...request,
            now,
            config,
            secret_key: secretKey,
            request_cookie_header: cookie,
          });
          const vector = { ...asked, expect: await expectationOf(asked) };
          let lines: string[] = [];
          const problems = judge("live", (check) => (lines = checkRequest(check, vector))).problems();
          // The whole vector, so that a failure can be told from its message.
          expect(problems.length === 0 ? [] : [...problems, JSON.stringify(vector)]).toEqual([]);
          // What hipflask set goes to Flask next time: either may go on where the other left off.
          const line = lines.at(-1)?.split(";", 1)[0];
          if (line !== undefined) cookie = line.endsWith("=") ? null : line;
        }
      }
    },
    120_000,
  );

  /** What Flask makes of the request, as a vector has it. */
  async function expectationOf(asked: Told): Promise<RequestVector["expect"]> {
    const [answer] = await flask.ask([asked]);
    const value = answer!.set_cookie.at(-1)?.match(/^[^=]*=([^;]*)/)?.[1] ?? "";
    return {
      ...(answer as Answer & { results: RequestVector["expect"]["results"] }),
      // The bytes are those of another zlib; the vectors compare them where they can be equal.
      compare: "attributes-and-payload",
      payload: value === "" ? null : answer!.session_after,
    };
  }
});
