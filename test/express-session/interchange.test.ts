import { describe, expect, it, onTestFinished, vi } from "vitest";
import session, { Cookie, type CookieOptions } from "../../src/express-session.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { contents, open, quiet } from "./site.ts";

const { skip, note, require } = ecosystem();

describe.skipIf(skip)(`beside express-session itself${note}`, () => {
  const real = (skip ? session : require("express-session")) as typeof session;

  it.each<[string, CookieOptions]>([
    ["nothing", {}],
    ["all there is", { domain: ".example.org", path: "/a b", secure: true, httpOnly: false, sameSite: true }],
    ["words", { priority: "medium", sameSite: "none", partitioned: true }],
    ["a time", { expires: new Date(Date.UTC(2040, 1, 29)) }],
    ["an empty path", { path: "" }],
    ["a bad domain", { domain: "a b" }],
    ["a long label", { domain: `${"a".repeat(64)}.org` }],
    ["a bad path", { path: "/;" }],
    ["a path beyond ASCII", { path: "/é" }],
    ["a bad time", { expires: new Date(Number.NaN) }],
    ["a string for a time", { expires: "tomorrow" as never }],
    ["a bad priority", { priority: "urgent" as never }],
    ["a bad sameSite", { sameSite: "auto" }],
    ["a number for sameSite", { sameSite: 1 as never }],
  ])("a cookie of %s is written, or refused, alike", (_, options) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const outcome = (Class: typeof Cookie, name: string) => {
      try {
        const cookie = new Class(options);
        return [cookie.serialize(name, "s:é%.a+/="), JSON.stringify(cookie), cookie.originalMaxAge];
      } catch (error) {
        return String(error);
      }
    };
    for (const name of ["connect.sid", "b@d", ""]) {
      expect(outcome(Cookie, name)).toEqual(outcome(real.Cookie, name));
    }
  });

  it("a cookie that is changed has the same times", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const states = (Class: typeof Cookie) => {
      const cookie = new Class({ maxAge: 5000 });
      const states = [{ ...cookie }, cookie.maxAge];
      vi.advanceTimersByTime(1500);
      states.push(cookie.maxAge);
      cookie.maxAge = cookie.originalMaxAge;
      states.push({ ...cookie });
      cookie.expires = new Date(Date.now() + 7000);
      states.push({ ...cookie }, cookie.maxAge);
      cookie.maxAge = null;
      states.push({ ...cookie }, cookie.maxAge, cookie.expires as never);
      expect(() => (cookie.maxAge = "1" as never)).toThrow(new TypeError("maxAge must be a number or Date"));
      expect(() => new Class(42 as never)).toThrow(new TypeError("argument options must be a object"));
      vi.setSystemTime(0);
      return states;
    };
    vi.setSystemTime(0);
    expect(states(Cookie)).toEqual(states(real.Cookie));
  });

  it("a session moves to and fro, with the same cookie and the same record", async () => {
    // express-session takes `originalMaxAge` from two looks at the clock, a millisecond less if it ticks in between.
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const theirStore = new real.MemoryStore();
    const ourStore = new real.MemoryStore();
    Object.assign(ourStore, { sessions: Reflect.get(theirStore, "sessions") as object });
    const build = (library: typeof session, store: typeof ourStore) => {
      const options = { ...quiet, store, cookie: { maxAge: 60_000 }, secret: ["keyboard cat", "nyan cat"] };
      return open(
        options,
        (req, res) => {
          req.session.count = (req.session.count ?? 0) + 1;
          res.json([req.sessionID, req.session.count]);
        },
        library(options),
      );
    };
    const [theirs, ours] = [await build(real, theirStore), await build(session, ourStore)];
    const began = await theirs.get();
    const [id] = JSON.parse(began.body) as [string];
    const [first] = Object.values(await contents(theirStore));
    for (const [turn, [from, to]] of [
      [theirs, ours],
      [ours, theirs],
      [theirs, ours],
    ].entries()) {
      to!.cookie = from!.cookie;
      const { body, cookies } = await to!.get();
      expect(JSON.parse(body)).toEqual([id, turn + 2]);
      expect(cookies.map((line) => line.split(";")[0])).toEqual([began.cookies[0]!.split(";")[0]]);
    }
    const [last] = Object.values(await contents(ourStore));
    const expires = expect.any(String) as string;
    expect(last).toEqual({ ...first, count: 4, cookie: { ...first!.cookie, expires } });
    expect(Object.keys(last!.cookie)).toEqual(Object.keys(first!.cookie));
  });

  it("sets the same bytes for the same session", async () => {
    const lines = await Promise.all(
      [real, session].map(async (library) => {
        const options = {
          ...quiet,
          name: "sid",
          genid: () => "a+b/é%",
          cookie: { domain: "localhost", sameSite: "lax", priority: "low", expires: new Date(2e12) } as const,
        };
        const site = await open(
          options,
          (req, res) => {
            req.session.user = "ada";
            req.session.cookie.originalMaxAge = null;
            req.session.cookie.maxAge = null;
            res.end();
          },
          library(options),
        );
        return (await site.get()).cookies;
      }),
    );
    expect(lines[1]).toHaveLength(1);
    expect(lines[1]).toEqual(lines[0]);
  });
});
