import { Redis } from "ioredis";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { flaskSessionRecords } from "../../src/codecs/flask-session-record.ts";
import { flaskSessionRedis, type FlaskSessionRedisOptions } from "../../src/flask-session.ts";
import { SessionManager } from "../../src/manager/manager.ts";
import type { Session } from "../../src/session/session.ts";
import { reachable } from "../services/service.ts";

interface SignedId {
  readonly secret_key: { readonly hex: string };
  readonly sid: string;
  readonly cookie: string;
}

const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const service = await reachable("Redis", "REDIS_URL", url);
const file = join(import.meta.dirname, "../vectors/flask.json");
const { blocks } = JSON.parse(readFileSync(file, "utf8")) as {
  blocks: { flask_session_signed_sid: SignedId[] };
};
const prefix = `hipflask-test-${process.pid}-${Date.now()}:`;
const SID = "zMZlCl4VOUD0OheRUWU2FM3e2nfKcyabpIblPgU8Adc";
const T = Date.UTC(2026, 0, 1);

describe.skipIf(service.skip)(`flaskSessionRedis${service.note}`, () => {
  const redis = service.skip ? undefined! : new Redis(url);
  const forgetAll = async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
  };
  afterAll(async () => {
    await forgetAll();
    await redis.quit();
  });

  const { encode } = flaskSessionRecords("msgpack");
  const store = (fields: Record<string, string>, sid = SID, seconds = 100) =>
    redis.set(prefix + sid, encode(new Map(Object.entries(fields)), undefined), "EX", seconds);

  /** One request. @returns what it left in the response */
  async function visit(
    options: FlaskSessionRedisOptions,
    cookie: string | undefined,
    view: (session: Session) => unknown = () => {},
    status = 200,
  ) {
    const shared = { prefix, now: () => T, cacheControl: false, ...options };
    const manager = new SessionManager({ sessionInterface: flaskSessionRedis(redis, shared) });
    const sent = new Headers(cookie === undefined ? {} : { Cookie: `session=${cookie}` });
    const context = manager.requestContext({ headers: sent });
    await context.opening;
    await view(context.session);
    const headers = new Headers();
    await context.save({ headers, status });
    return { lines: headers.getSetCookie(), vary: headers.get("Vary"), manager };
  }

  it("begins permanent sessions, which are empty and leave no trace until something is in them", async () => {
    await forgetAll();
    const { lines, vary } = await visit({}, undefined, (session) => {
      expect([session.permanent, session.modified, session.size]).toEqual([true, false, 1]);
    });
    expect([lines, vary, await redis.keys(`${prefix}*`)]).toEqual([[], "Cookie", []]);
    const begun = await visit({}, undefined, (session) => session.set("a", 1));
    const sid = /^session=([\w-]{43}); Expires=Sun, 01 Feb 2026 00:00:00 GMT; HttpOnly; Path=\/$/.exec(
      begun.lines[0]!,
    )![1]!;
    expect(await redis.getBuffer(prefix + sid)).toEqual(
      Buffer.from("82aa5f7065726d616e656e74c3a16101", "hex"),
    );
    expect(await redis.ttl(prefix + sid)).toBeGreaterThan(31 * 24 * 3600 - 10);
  });

  it("begins sessions that end with the browser, where SESSION_PERMANENT is off", async () => {
    const { lines } = await visit({ permanent: false }, undefined, (session) => session.set("a", 1));
    expect(lines[0]).toMatch(/^session=[\w-]{43}; HttpOnly; Path=\/$/);
  });

  it("lets every session live on with each request, and its cookie if it is permanent", async () => {
    await store({ _permanent: "true", a: "1" });
    const refreshed = await visit({}, SID);
    expect(refreshed.lines[0]).toContain(`session=${SID}; Expires=`);
    expect(refreshed.vary).toBe("Cookie");
    expect(await redis.ttl(prefix + SID)).toBeGreaterThan(1000);
    await store({ a: "1" });
    expect(await visit({}, SID)).toMatchObject({ lines: [], vary: null });
    expect(await redis.ttl(prefix + SID)).toBeGreaterThan(1000);
    await store({ _permanent: "true", a: "1" });
    expect((await visit({ refreshEachRequest: false }, SID)).lines).toEqual([]);
    expect(await redis.ttl(prefix + SID)).toBeLessThan(101);
  });

  it("saves nested changes, failed requests included, as Flask does", async () => {
    await store({ cart: "[1]" });
    await visit({}, SID, (session) => session.cart.push(2), 500);
    await visit({}, SID, (session) => expect(session.cart).toEqual([1, 2]));
  });

  it("ends a session that is emptied, with a cookie line that browsers heed", async () => {
    await store({ _permanent: "true", a: "1" });
    const options = { cookieSecure: true, cookieSameSite: "None", cookiePartitioned: true } as const;
    const { lines } = await visit(options, SID, (session) => session.clear());
    expect(lines).toEqual([
      "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=None; Partitioned",
    ]);
    expect(await redis.exists(prefix + SID)).toBe(0);
  });

  it("keeps permanence through clear() and regenerate(), as there", async () => {
    for (const act of [(session: Session) => session.clear(), (session: Session) => session.regenerate()]) {
      await store({ _permanent: "true", a: "1" });
      const { lines } = await visit({}, SID, (session) => (act(session), session.set("b", 1)));
      expect(lines[0]).toContain("Expires=");
      const sid = /session=([^;]+)/.exec(lines[0]!)![1]!;
      await visit({}, sid, (session) => expect(session.toJSON()).toEqual({ _permanent: true, b: 1 }));
      await store({ a: "1" });
      expect((await visit({}, SID, (session) => (act(session), session.set("b", 1)))).lines[0]).not.toContain(
        "Expires=",
      );
    }
    await store({ _permanent: "true", a: "1" });
    const { lines } = await visit({}, SID, (session) => session.regenerate({ keep: true }));
    expect(lines[0]).not.toContain(SID);
    const sid = /session=([^;]+)/.exec(lines[0]!)![1]!;
    await visit({}, sid, (session) => expect(session.toJSON()).toEqual({ _permanent: true, a: 1 }));
  });

  it("refuses pickled and broken records, says so, and leaves them alone", async () => {
    const pickled = Buffer.from("80027d710058010000006171014b01732e", "hex");
    for (const [content, reason] of [
      [pickled, "pickle"],
      [Buffer.from("{"), "undecodable"],
    ] as const) {
      await redis.set(prefix + SID, content, "EX", 100);
      const reasons: string[] = [];
      const onRefused = (why: string) => reasons.push(why);
      const { lines } = await visit({ onRefused }, SID, (session) => {
        expect(session.toJSON()).toEqual({ _permanent: true });
        session.set("b", 1);
      });
      expect(reasons).toEqual([reason]);
      expect(lines[0]).not.toContain(SID);
      expect(await redis.getBuffer(prefix + SID)).toEqual(content);
    }
  });

  it("refuses ids that it did not give out, and cookies that hold none", async () => {
    const seen: string[] = [];
    const onRefused = (reason: string) => seen.push(reason);
    for (const cookie of [
      undefined,
      "",
      "unknown".repeat(6),
      "short",
      "with spaces and more",
      "../../etc/passwd-and-more",
    ]) {
      await visit({ onRefused }, cookie);
    }
    expect(seen).toEqual(["unknown", "malformed", "malformed", "malformed"]);
  });

  it.each(blocks.flask_session_signed_sid.map((block) => [block.sid, block] as const))(
    "signs the id %s as Flask-Session does",
    async (sid, { secret_key, cookie }) => {
      const signed = { useSigner: true, secretKey: Buffer.from(secret_key.hex, "hex") };
      await store({ _permanent: "true", a: "1" }, sid);
      const { lines } = await visit(signed, cookie, (session) => expect(session.a).toBe(1));
      expect(lines[0]).toContain(`session=${cookie};`);
      const reasons: string[] = [];
      const forged = { ...signed, onRefused: (reason: string) => reasons.push(reason) };
      await visit(forged, `${cookie.slice(0, -2)}AA`, (session) => expect(session.a).toBeUndefined());
      await visit(forged, sid, (session) => expect(session.a).toBeUndefined());
      expect(reasons).toEqual(["bad_signature", "bad_signature"]);
    },
  );

  it("shows a message once, and loses none that was left meanwhile", async () => {
    await store({ _flashes: '[["message","first"]]' });
    await visit({}, SID, async (session) => {
      expect(session.getFlashedMessages()).toEqual(["first"]);
      await visit({}, SID, (other) => other.flash("second"));
      session.set("a", 1);
    });
    await visit({}, SID, (session) => expect(session.getFlashedMessages()).toEqual(["second"]));
    await visit({}, SID, (session) => expect(session.getFlashedMessages()).toEqual([]));
  });

  it("stores nothing for a visitor who leaves nothing behind", async () => {
    await forgetAll();
    const passing = (session: Session) => (session.set("a", 1), session.pop("a"));
    await visit({}, undefined, passing);
    await visit({ permanent: false }, undefined, passing);
    await visit({}, undefined, (session) => session.clear());
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
  });

  it("ends with its last key, unless others put one in meanwhile", async () => {
    await store({ _permanent: "true", a: "1" });
    const { lines } = await visit({}, SID, (session) => session.pop("a"));
    expect(lines[0]).toMatch(/^session=; /);
    expect(await redis.exists(prefix + SID)).toBe(0);
    await store({ _permanent: "true", a: "1" });
    const shared = await visit({}, SID, async (session) => {
      session.pop("a");
      await visit({}, SID, (other) => other.set("b", 2));
    });
    expect(shared.lines[0]).toContain(SID);
    await visit({}, SID, (session) => expect(session.toJSON()).toEqual({ _permanent: true, b: 2 }));
    // Dropping everything is a logout, whatever others do.
    await visit({}, SID, async (session) => {
      session.clear();
      await visit({}, SID, (other) => other.set("c", 3));
    });
    expect(await redis.exists(prefix + SID)).toBe(0);
  });

  it("tells on the channel what became of the cookie", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => told.push(message);
    subscribe("hipflask:saved", listen);
    await store({ _permanent: "true", a: "1" });
    await visit({}, SID);
    await visit({}, SID, (session) => session.set("b", 1));
    await visit({}, SID, async (session) => {
      unsubscribe("hipflask:saved", listen);
      await visit({}, SID, (other) => other.set("c", 1));
      subscribe("hipflask:saved", listen);
      session.pop("a");
      session.pop("b");
    });
    await visit({}, SID, (session) => session.pop("c"));
    await visit({}, SID, (session) => session.clear());
    await store({ a: "1" });
    await visit({}, SID);
    await visit({}, SID, (session) => session.clear());
    unsubscribe("hipflask:saved", listen);
    expect(told).toEqual(
      ["refresh", "write", "write", "delete", "delete", "delete"].map((outcome) => ({
        outcome,
        cookieName: "session",
      })),
    );
  });

  it("neither revives nor overwrites what ended while it was changed", async () => {
    await store({ a: "1" });
    const late = () =>
      visit({ lostWrites: "throw" }, SID, async (session) => {
        session.set("b", 1);
        await redis.del(prefix + SID);
      });
    await expect(late()).rejects.toMatchObject({ code: "SESSION_LOST" });
    expect(await redis.exists(prefix + SID)).toBe(0);
    const { lines } = await visit({}, SID, (session) => session.get("a"));
    expect(lines).toEqual([]);
    await store({ a: "1" });
    const dropped = await visit({}, SID, async (session) => {
      session.set("b", 1);
      await redis.del(prefix + SID);
    });
    expect([dropped.lines, await redis.exists(prefix + SID)]).toEqual([[], 0]);
  });

  it("says what is wrong with its options, and that these records have no owners", async () => {
    expect(() => flaskSessionRedis(redis, { useSigner: true })).toThrow(/secretKey/);
    expect(() => flaskSessionRedis(redis, { idLength: 8 })).toThrow(/idLength/);
    expect(() => flaskSessionRedis(redis, { format: "pickle" as "json" })).toThrow(/format/);
    const { manager } = await visit({}, undefined);
    await expect(manager.destroyAll("ada")).rejects.toMatchObject({ code: "CONFIG" });
  });
});
