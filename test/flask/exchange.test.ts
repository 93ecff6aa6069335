import * as fc from "fast-check";
import { float, Markup, SessionManager, stateOf, TaggedJSONSerializer, tuple, type Session } from "hipflask";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessionData, sessionKey, sessionValue } from "../support/arbitraries.ts";
import { secretOf, type VectorKey } from "../support/vectors/check.ts";
import {
  describe as portray,
  describeFields,
  describeText,
  toValue,
  type Notation,
} from "../support/vectors/notation.ts";
import { findFlasks, FlaskProcess, keyOf, SECRET } from "./flask-process.ts";

const NOW = 1_700_000_000.25;
const ROUNDS = 250;
const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 2 ** 31);

interface Visit {
  /** The Cookie header afterwards. */
  readonly cookie: string | null;
  readonly setCookie: readonly string[];
}

/** A request to a hipflask app, up to the Set-Cookie line and back to a Cookie header. */
function visit(
  cookie: string | null,
  view: (session: Session) => void,
  { secretKey = SECRET, fallbacks = [] as readonly VectorKey[] } = {},
): Visit {
  const manager = new SessionManager({
    secretKey: secretOf(secretKey),
    secretKeyFallbacks: fallbacks.map(secretOf),
    now: () => NOW * 1000,
    maxCookieSize: 0,
    onRefused: (reason) => expect.fail(`The cookie was refused: ${reason}`),
  });
  const context = manager.requestContext({ headers: { get: (name) => (name === "Cookie" ? cookie : null) } });
  const response = { headers: new Headers() };
  context.run(() => view(context.session));
  void context.save(response);
  const setCookie = response.headers.getSetCookie();
  return { cookie: headerAfter(cookie, setCookie), setCookie };
}

function headerAfter(cookie: string | null, setCookie: readonly string[]): string | null {
  const line = setCookie.at(-1);
  if (line === undefined) return cookie;
  return line.startsWith("session=;") ? null : line.split(";", 1)[0]!;
}

describe.each(findFlasks())("a cookie shared with Flask $version", (flaskHere) => {
  const { isSkipped } = flaskHere;
  let flask: FlaskProcess;
  beforeAll(async () => {
    flask = await FlaskProcess.start(flaskHere);
  });
  afterAll(() => flask?.stop());

  /** What Flask finds in the cookie: in the notation, and as Python shows each value. */
  async function look(cookie: string | null) {
    const ops = [["dict"], ["portraits"]] as const;
    const { status, results } = await flask.askOne({ now: NOW, request_cookie_header: cookie, ops });
    expect(status).toBe(200);
    const data = results[0]!.ok as Notation & { t: "dict" };
    return { data, portraits: results[1]!.ok as Record<string, string> };
  }

  it.skipIf(isSkipped)(
    `goes back and forth ${ROUNDS} times, and only what was changed has changed (seed ${seed})`,
    async () => {
      const json = new TaggedJSONSerializer();
      const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { seed, numRuns: ROUNDS });
      const sessions = sample(sessionData);
      const changes = sample(fc.tuple(sessionKey, sessionValue));
      // Stays in the session all the way, next to what each round brings.
      const veterans = sample(fc.tuple(sessionValue, sessionValue)).slice(-6);
      let { cookie } = visit(null, (session) => {
        veterans.forEach((pair, index) =>
          session.set(
            `veteran ${index}`,
            toValue({ t: "tuple", v: [...pair, { t: "float", v: "1.0", bits: "3ff0000000000000" }] }),
          ),
        );
      });
      const { portraits: unharmed } = await look(cookie);
      expect(Object.keys(unharmed)).toHaveLength(6);

      for (const [round, session] of sessions.entries()) {
        const isVeteran = (key: string) => key.startsWith("veteran ");
        // Flask drops what the last round brought, and mints.
        const before = Object.keys((await look(cookie)).portraits);
        const ops = [
          ...before.filter((key) => !isVeteran(key)).map((key) => ["del", key] as const),
          ["update", session] as const,
        ];
        const minted = await flask.askOne({ now: NOW, request_cookie_header: cookie, ops });
        expect(minted.status).toBe(200);
        cookie = headerAfter(cookie, minted.set_cookie);
        const there = await look(cookie);

        // hipflask reads every value with its type, and changes one key.
        const [key, value] = changes[round]!;
        ({ cookie } = visit(cookie, (ours) => {
          expect(describeFields(stateOf(ours).opened.fields)).toBe(portray(there.data));
          // As an app holds it, a number alone does not tell 1 from 1.0; inside a list or dict it does.
          for (const name of [...ours.keys()].filter((name) => typeof ours.get(name) !== "number")) {
            const text = stateOf(ours).fields().get(name)!;
            expect(describeText(json.dumps(ours.get(name)))).toBe(describeText(text));
          }
          ours.set(key, toValue(value));
        }));

        // Flask finds the change, and everything else as it was to the last detail.
        const { data, portraits } = await look(cookie);
        expect(portray(new Map(data.v).get(key)!)).toBe(portray(value));
        expect({ ...portraits, [key]: "changed" }).toEqual({ ...there.portraits, [key]: "changed" });
        expect(portraits).toMatchObject(unharmed);
      }
    },
    60_000,
  );

  it.skipIf(isSkipped)(
    `is read by Flask as it was written here, ${ROUNDS} times (seed ${seed})`,
    async () => {
      const sessions = fc
        .sample(sessionData, { seed: seed + 1, numRuns: ROUNDS })
        .filter(({ v }) => v.length > 0);
      const cookies = sessions.map(
        (data) => visit(null, (session) => session.update(toValue(data) as Record<string, unknown>)).cookie,
      );
      for (const [index, cookie] of cookies.entries()) {
        expect(portray((await look(cookie)).data)).toBe(portray(sessions[index]!));
      }
    },
  );

  it.skipIf(isSkipped)("carries flashed messages in both directions", async () => {
    const ours = visit(null, (session) => {
      session.flash("<b>saved</b>", "info");
      session.flash("张三 😀");
    });
    const theirs = await flask.askOne({
      now: NOW,
      request_cookie_header: ours.cookie,
      ops: [["get-flashed"], ["flash", "back", "error"]],
    });
    expect(portray(theirs.results[0]!.ok)).toBe('[["info", "<b>saved</b>"], ["message", "张三 😀"]]');
    const back = visit(headerAfter(ours.cookie, theirs.set_cookie), (session) => {
      expect(session.getFlashedMessages({ withCategories: true })).toEqual([["error", "back"]]);
    });
    expect(back.cookie).toBeNull();
  });

  it.skipIf(isSkipped)("carries messages and categories of any type in both directions", async () => {
    const ours = visit(null, (session) => {
      session.flash({ item: "tea", price: float(3) }, "added");
      session.flash("disk full", 40);
      session.flash(tuple(1, new Uint8Array([255])), null);
    });
    const theirs = await flask.askOne({
      now: NOW,
      request_cookie_header: ours.cookie,
      ops: [["get-flashed"], ["flash", { left: [1, 2] }, 20], ["flash", "text", ["a", true]]],
    });
    expect(portray(theirs.results[0]!.ok)).toBe(
      '[["added", {"item": "tea", "price": float 3 (4008000000000000)}], [int 40, "disk full"], [null, (int 1, bytes ff)]]',
    );
    visit(headerAfter(ours.cookie, theirs.set_cookie), (session) => {
      expect(session.getFlashedMessages({ withCategories: true })).toEqual([
        [20, { left: [1, 2] }],
        [["a", true], "text"],
      ]);
      expect(session.getFlashedMessages({ categoryFilter: [20] })).toEqual([{ left: [1, 2] }]);
    });
  });

  it.skipIf(isSkipped)("is permanent on both sides if one says so", async () => {
    const ours = visit(null, (session) => (session.permanent = true));
    const theirs = await flask.askOne({
      now: NOW,
      request_cookie_header: ours.cookie,
      ops: [["read-permanent"]],
    });
    expect(theirs.results).toEqual([{ ok: { t: "bool", v: true } }]);
    expect(theirs.set_cookie).toEqual(ours.setCookie);
    const again = visit(headerAfter(ours.cookie, theirs.set_cookie), (session) => {
      expect(session.permanent).toBe(true);
      session.permanent = false;
    });
    expect(again.setCookie).toEqual([expect.not.stringContaining("Expires")]);
    const { portraits } = await look(again.cookie);
    expect(portraits).toEqual({ _permanent: "bool False" });
  });
});

// Earlier ones have no fallbacks, or sign with one of them (GHSA-4grg-w6v8-c28g).
describe.each(findFlasks("3.1.1"))("a key shared with Flask $version", (flaskHere) => {
  let flask: FlaskProcess;
  beforeAll(async () => {
    flask = await FlaskProcess.start(flaskHere);
  });
  afterAll(() => flask?.stop());

  it.skipIf(flaskHere.isSkipped)("can be rotated on either side first", async () => {
    const [old, older, next] = [SECRET, keyOf("an even older secret"), keyOf("the next secret")] as const;
    const fallbacks = [older, old];
    const ops = [
      ["get", "n"],
      ["set", "m", { t: "int", v: "2" }],
    ] as const;

    const { cookie } = visit(null, (session) => (session.n = 1));
    const theirs = await flask.askOne({
      now: NOW,
      secret_key: next,
      fallback_keys: fallbacks,
      request_cookie_header: cookie,
      ops,
    });
    expect(theirs.results[0]).toEqual({ ok: { t: "int", v: "1" } });

    // Signed with the new key now: here it is read without the old ones, and back again the other way round.
    const later = visit(
      headerAfter(cookie, theirs.set_cookie),
      (session) => {
        expect(session.toJSON()).toEqual({ m: 2, n: 1 });
        session.html = new Markup("<i>");
      },
      { secretKey: next },
    );
    const oldAgain = await flask.askOne({ now: NOW, request_cookie_header: cookie, ops });
    visit(headerAfter(cookie, oldAgain.set_cookie), (session) => expect(session.m).toBe(2), {
      secretKey: next,
      fallbacks,
    });
    const last = await flask.askOne({
      now: NOW,
      secret_key: next,
      request_cookie_header: later.cookie,
      ops: [["portraits"]],
    });
    expect(last.results[0]!.ok).toEqual({ html: "Markup Markup('<i>')", m: "int 2", n: "int 1" });
  });
});
