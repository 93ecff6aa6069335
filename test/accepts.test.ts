import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import sodium from "sodium-native";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as accepts from "../src/accepts.ts";
import { djangoCodec } from "../src/codecs/django.ts";
import { sealedCodec } from "../src/codecs/sealed.ts";
import { ConfigError } from "../src/errors.ts";
import { cpuTime } from "./support/cpu-time.ts";
import { peerReader } from "./support/peer-readers.ts";
import type { PeerVector } from "./support/peer-vectors.ts";
import { parseCookieHeader } from "./support/peer-vectors.ts";

const file = new URL("vectors/peers.json", import.meta.url);
const vectors: PeerVector[] = JSON.parse(readFileSync(file, "utf8")).vectors;
const now = Date.UTC(2026, 0, 1);
const REFUSED = { ok: false, reason: expect.any(String) };

const UNSIGNED = new Set(["cookie-session/unsigned", "react-router/unsigned", "cookie-parser/unsigned-json"]);
const authenticated = vectors.filter(({ id, format }) => !UNSIGNED.has(id) && format !== "next-session");
/** One vector of each format, small enough to change each of its characters. */
const samples = authenticated.filter(
  ({ format }, i) => authenticated.findIndex((v) => v.format === format) === i,
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("readers of authenticated cookies", () => {
  it.each(samples)(
    "of $format open nothing else if any character is changed, and parse none of it",
    (vector) => {
      const { reader } = peerReader(vector);
      const genuine = parseCookieHeader(vector.cookieHeader);
      const content = reader.decode(genuine, { now });
      const parse = vi.spyOn(JSON, "parse");
      for (const [name, value, i] of places(vector, genuine)) {
        const changed = value.slice(0, i) + (value[i] === "A" ? "B" : "A") + value.slice(i + 1);
        parse.mockClear();
        const outcome = reader.decode(new Map(genuine).set(name, changed), { now });
        // Only what the library itself does not authenticate may differ, such as the marker of iron-session 9.
        expect(outcome).toEqual(outcome.ok ? content : REFUSED);
        expect(parse).toHaveBeenCalledTimes(outcome.ok ? parsesOf(vector) : 0);
      }
    },
  );

  it.each(samples)("of $format open nothing else if cut anywhere", (vector) => {
    const { reader } = peerReader(vector);
    const genuine = parseCookieHeader(vector.cookieHeader);
    const content = reader.decode(genuine, { now });
    for (const [name, value, i] of places(vector, genuine)) {
      const outcome = reader.decode(new Map(genuine).set(name, value.slice(0, i)), { now });
      expect(outcome).toEqual(outcome.ok ? content : REFUSED);
    }
  });

  it("refuse more than nine in ten of these changes, or the two tests above prove nothing", () => {
    for (const vector of samples) {
      const { reader } = peerReader(vector);
      const genuine = parseCookieHeader(vector.cookieHeader);
      const outcomes = places(vector, genuine).map(([name, value, i]) =>
        reader.decode(new Map(genuine).set(name, value.slice(0, i)), { now }),
      );
      expect(outcomes.filter(({ ok }) => ok).length).toBeLessThan(outcomes.length / 10);
    }
  });
});

/** Every place in the cookies of a vector; fewer for h3, which stretches its password for every guess. */
function places(
  vector: PeerVector,
  cookies: Map<string, string>,
): [name: string, value: string, i: number][] {
  const step = vector.format === "h3-v2" ? 9 : 1;
  return Array.from(cookies).flatMap(([name, value]) =>
    Array.from(
      { length: Math.ceil(value.length / step) },
      (_, i) => [name, value, i * step] as [string, string, number],
    ),
  );
}

/** How often a genuine cookie is parsed. */
const parsesOf = ({ format }: PeerVector) => (format === "iron-session" ? 1 : 0);

describe("all readers", () => {
  const one = vectors.filter(({ format }, i) => vectors.findIndex((v) => v.format === format) === i);

  it.each(one)("of $format answer `missing` without their cookie", (vector) => {
    const { reader } = peerReader(vector);
    expect(reader.decode(new Map(), { now })).toEqual({ ok: false, reason: "missing" });
    expect(reader.decode(new Map([["another", "1"]]), { now })).toEqual({ ok: false, reason: "missing" });
  });

  it.each(one.filter(({ format }) => format !== "next-session"))(
    "of $format refuse garbage of all kinds",
    (vector) => {
      const { reader } = peerReader(vector);
      const { opened } = reader;
      const names = [
        reader.cookieName,
        `${reader.cookieName}.sig`,
        `${reader.cookieName}.0`,
        `${reader.cookieName}.1`,
      ];
      const garbage = [
        "",
        ".",
        "*",
        "%",
        "%E0%A4%A",
        "s%3A",
        "s:.",
        "j:",
        ";",
        "~2",
        "é".repeat(100),
        "\u0000\ud800",
        "null",
        '{"a":1}',
        "[".repeat(20_000),
        "A".repeat(65_537),
        ".".repeat(60_000),
        "*".repeat(60_000),
        "%25".repeat(20_000),
        "Fe26.2*******",
        "Fe26.2*1*" + "a".repeat(50_000),
        "__chunked__",
        "__chunked__0",
        "__chunked__1",
        "__chunked__99",
        "__chunked__999999999999999999999999",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0....",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        ...Array.from({ length: 50 }, () => randomBytes(80).toString("base64")),
      ];
      for (const text of garbage) {
        const started = cpuTime();
        expect(reader.decode(new Map(names.map((name) => [name, text])), { now }).ok).toBe(false);
        expect(cpuTime() - started).toBeLessThan(500);
      }
      expect(reader.opened).toBe(opened);
    },
  );
});

describe("cookieSession", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const sign = (name: string, value: string) =>
    createHmac("sha1", "key1").update(`${name}=${value}`).digest("base64url");
  const cookies = (text: string) =>
    new Map([
      ["session", text],
      ["session.sig", sign("session", text)],
    ]);
  const old = accepts.cookieSession({ keys: ["key1"] });

  it.each(["1", "null", '"text"', "[1]"])("refuses signed JSON that is no object: %s", (json) => {
    expect(old.decode(cookies(base64(json)), { now })).toEqual({ ok: false, reason: "bad_shape" });
  });

  it.each([
    base64("{"),
    "e30",
    "!!!",
    base64("{}").replace("e", "é"),
    Buffer.from([0xff]).toString("base64"),
  ])("refuses what is signed and yet unreadable: %s", (text) => {
    expect(old.decode(cookies(text), { now })).toEqual({ ok: false, reason: "bad_payload" });
  });

  it("takes a key __proto__ for data", () => {
    const accepted = old.decode(cookies(base64('{"__proto__":{"admin":true}}')), { now });
    expect(accepted.ok && accepted.kind === "data" && Object.keys(accepted.data)).toEqual(["__proto__"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("refuses a value moved from another cookie", () => {
    const text = base64('{"admin":true}');
    const moved = new Map([
      ["session", text],
      ["session.sig", sign("prefs", text)],
    ]);
    expect(old.decode(moved, { now })).toEqual({ ok: false, reason: "bad_signature" });
  });
});

describe("h3Session", () => {
  it("pays for 20 forged cookies of version 2 in a second, and then for those of version 1 alone", () => {
    const reader = accepts.h3Session({ password: "p".repeat(32) });
    const forged = (n: number) =>
      `Fe26.2**${"a".repeat(64)}*${"A".repeat(22)}*${"A".repeat(22)}**${"b".repeat(60)}${String(n).padStart(4, "0")}*${"A".repeat(43)}`;
    const reasons = (at: number, count: number) =>
      Array.from({ length: count }, (_, n) => {
        const decoded = reader.decode(new Map([["h3", forged(n)]]), { now: at });
        return decoded.ok ? "opened" : decoded.reason;
      });
    const refused = Array.from({ length: 20 }, () => "bad_signature");
    expect(reasons(5000, 22)).toEqual([...refused, "busy", "busy"]);
    expect(reasons(6000, 21)).toEqual([...refused, "busy"]);
  });

  const vector = vectors.find(({ id }) => id === "h3-v1/default")!;
  const cookies = parseCookieHeader(vector.cookieHeader);
  const password = vector.config.password as string;

  it("reads cookies of version 1 unless told otherwise", () => {
    expect(accepts.h3Session({ password }).decode(cookies, { now })).toMatchObject({
      ok: true,
      id: vector.sessionId,
    });
  });

  it("judges maxAge and idleTimeout by the moments in the seal", () => {
    for (const limits of [{ maxAge: 60 }, { idleTimeout: 60 }]) {
      const old = accepts.h3Session({ password, ...limits });
      expect(old.decode(cookies, { now: now + 60_000 }).ok).toBe(true);
      expect(old.decode(cookies, { now: now + 61_000 })).toEqual({ ok: false, reason: "expired" });
    }
  });

  it("tries no stretched password where only version 1 wrote", () => {
    const v2 = parseCookieHeader(vectors.find(({ id }) => id === "h3-v2/default")!.cookieHeader);
    expect(accepts.h3Session({ password, version: 1 }).decode(v2, { now }).ok).toBe(false);
  });
});

describe("ironSession", () => {
  const vector = vectors.find(({ id }) => id === "iron-session/default")!;
  const password = vector.config.password as Record<string, string>;
  const text = parseCookieHeader(vector.cookieHeader).get("app_session")!;

  it("takes no other marker than ~2, unless told to", () => {
    for (const other of [text.replace("~2", "~9"), text.replace("~2", "")]) {
      const cookies = new Map([["app_session", other]]);
      const strict = accepts.ironSession({ cookieName: "app_session", password });
      expect(strict.decode(cookies, { now })).toEqual({ ok: false, reason: "bad_shape" });
      const lax = accepts.ironSession({ cookieName: "app_session", password, anyMarker: true });
      expect(lax.decode(cookies, { now })).toMatchObject({ ok: true, data: vector.payload });
    }
  });

  it("never takes a plain session for an envelope, nor an envelope for a session of the other library", () => {
    const next = accepts.nextIronSession({ cookieName: "app_session", password });
    expect(next.decode(new Map([["app_session", text.replace("~2", "")]]), { now })).toEqual({
      ok: false,
      reason: "bad_shape",
    });
  });
});

describe("authjs", () => {
  const vector = vectors.find(({ format }) => format === "authjs-jwe")!;
  const token = parseCookieHeader(vector.cookieHeader).get("authjs.session-token")!;
  const secret = vector.config.secret as string;

  it("puts a token together that was split over several cookies", () => {
    const cookies = new Map([
      ["authjs.session-token.0", token.slice(0, 100)],
      ["authjs.session-token.1", token.slice(100)],
    ]);
    expect(accepts.authjs({ secret }).decode(cookies, { now })).toMatchObject({
      ok: true,
      data: vector.payload,
      cookieNames: ["authjs.session-token.0", "authjs.session-token.1"],
    });
  });

  it("finds the secret among several", () => {
    const old = accepts.authjs({ secret: ["a newer secret", secret] });
    expect(old.decode(new Map([["authjs.session-token", token]]), { now }).ok).toBe(true);
  });

  it("refuses a token moved to another cookie name", () => {
    const old = accepts.authjs({ secret, cookieName: "__Secure-authjs.session-token" });
    expect(old.decode(new Map([["__Secure-authjs.session-token", token]]), { now })).toEqual({
      ok: false,
      reason: "bad_signature",
    });
  });
});

describe("readRecord", () => {
  const old = accepts.expressSession({ secret: "s" });

  it.each([null, undefined, 1, "text", [], {}, { cookie: 1 }])("of expressSession refuses %j", (record) => {
    expect(old.readRecord!(record, { now })).toBe("bad_shape");
  });

  it("of expressSession takes what a store revived to a date, and no date that is none", () => {
    const record = (expires: unknown) => old.readRecord!({ cookie: { expires }, a: 1 }, { now });
    expect(record(new Date(now + 1))).toEqual({ kind: "data", data: { a: 1 }, permanent: true });
    expect(record(new Date(now))).toBe("expired");
    expect(record("never")).toBe("expired");
  });
});

describe("the counter of a reader with a store", () => {
  const cookies = new Map([["sid", "abc"]]);

  it("counts the records that were found, since an id proves nothing", () => {
    const old = accepts.nextSession({ store: { get: () => undefined } });
    expect(old.decode(cookies, { now }).ok).toBe(true);
    expect(old.readRecord!("no record", { now })).toBe("bad_shape");
    expect(old.opened).toBe(0);
    old.readRecord!({ cookie: {}, a: 1 }, { now });
    expect(old.opened).toBe(1);
  });

  it("counts the cookies if no store of the records is configured", () => {
    const old = accepts.nextSession({ store: true });
    old.decode(cookies, { now });
    expect(old.opened).toBe(1);
  });
});

describe("codecCookie", () => {
  const fields = new Map([["price", "1.0"]]);

  it.each([djangoCodec({ secretKey: "k" }), sealedCodec({ secretKey: randomBytes(32) })])(
    "reads this library's own cookies token for token ($name)",
    (codec) => {
      const old = accepts.codecCookie({ codec, cookieName: "sess", maxAge: 60 });
      const text = codec.encode(fields, { now, maxAge: 60, cookieName: "sess" });
      expect(old.decode(new Map([["sess", text]]), { now })).toEqual({
        ok: true,
        kind: "fields",
        fields,
        cookieNames: ["sess"],
      });
      expect(old.decode(new Map([["sess", text]]), { now: now + 61_000 })).toEqual({
        ok: false,
        reason: "expired",
      });
    },
  );
});

describe("options", () => {
  it.each<[string, () => unknown]>([
    ["expressSession without a secret", () => accepts.expressSession({ secret: [] })],
    ["expressSession with an empty secret", () => accepts.expressSession({ secret: "" })],
    ["fastifySession with an unknown hash", () => accepts.fastifySession({ secret: "s", algorithm: "sha0" })],
    ["cookieSession without keys", () => accepts.cookieSession({})],
    ["koaSession without keys", () => accepts.koaSession({ keys: [] })],
    ["reactRouter without secrets", () => accepts.reactRouter({ secrets: [] })],
    ["remixSession without secrets", () => accepts.remixSession({})],
    ["cookieParser without a secret", () => accepts.cookieParser({ cookieName: "c" })],
    ["ironSession without passwords", () => accepts.ironSession({ cookieName: "c", password: {} })],
    ["ironSession without a name", () => accepts.ironSession({ cookieName: "", password: "p" })],
    ["h3Session with an empty password", () => accepts.h3Session({ password: "" })],
    ["honoSession with an empty secret", () => accepts.honoSession({ secret: "" })],
    ["authjs without secrets", () => accepts.authjs({ secret: [] })],
    ["fastifySecureSession without key", () => accepts.fastifySecureSession({ sodium })],
    ["fastifySecureSession with a short key", () => accepts.fastifySecureSession({ sodium, key: "AAAA" })],
    [
      "fastifySecureSession with a short salt",
      () => accepts.fastifySecureSession({ sodium, secret: "s", salt: "s" }),
    ],
    [
      "fastifySecureSession without sodium",
      () => accepts.fastifySecureSession({ key: randomBytes(32) } as never),
    ],
  ])("%s throws", (_, make) => {
    expect(make).toThrow(ConfigError);
  });
});
