import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { djangoCodec, djangoSessionData } from "../../src/codecs/django.ts";
import { ConfigError } from "../../src/errors.ts";
import { djangoSessions, type DjangoSessionsOptions } from "../../src/django.ts";
import { SessionManager } from "../../src/manager/manager.ts";
import { stateOf, type Session } from "../../src/session/session.ts";
import { djangoDialect } from "../../src/stores/django/statements.ts";
import { openSqlite, type SqliteDatabase } from "../../src/stores/sqlite/database.ts";

interface RequestVector {
  readonly name: string;
  readonly secret_key: { readonly hex: string };
  readonly now: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly request_cookie: string | null;
  readonly ops: ReadonlyArray<readonly [string, ...unknown[]]>;
  readonly status: number;
  readonly expect: Expected;
  readonly other_versions: Readonly<Record<string, Expected>>;
}

interface Expected {
  readonly set_cookie: readonly string[];
  readonly vary: string | null;
  readonly modified: boolean;
  readonly accessed: boolean;
}

const file = join(import.meta.dirname, "../vectors/django.json");
const vectors = (JSON.parse(readFileSync(file, "utf8")) as { requests: RequestVector[] }).requests;

/** With data in the cookie a cookie that cannot be read is replaced; with data in a table it is an unknown key. */
const OF_THE_COOKIE_ENGINE = new Set(["bad-cookie-read", "expired-read"]);

const OPTIONS: Readonly<Record<string, keyof DjangoSessionsOptions>> = {
  SESSION_COOKIE_AGE: "lifetime",
  SESSION_COOKIE_NAME: "cookieName",
  SESSION_COOKIE_DOMAIN: "cookieDomain",
  SESSION_COOKIE_PATH: "cookiePath",
  SESSION_COOKIE_SECURE: "cookieSecure",
  SESSION_COOKIE_HTTPONLY: "cookieHttpOnly",
  SESSION_COOKIE_SAMESITE: "cookieSameSite",
  SESSION_SAVE_EVERY_REQUEST: "refreshEachRequest",
  SESSION_EXPIRE_AT_BROWSER_CLOSE: "expireAtBrowserClose",
};

function act(session: Session, [op, ...args]: readonly [string, ...unknown[]]): void {
  const [key, value] = args as [string, unknown];
  if (op === "get") session.get(key);
  else if (op === "set") session.set(key, value);
  else if (op === "pop") session.pop(key);
  else if (op === "clear") session.clear();
  else if (op === "flush") session.destroy();
  else if (op === "cycle_key") session.regenerate({ keep: true });
  else if (op === "set_test_cookie") session.set("testcookie", "worked");
  else if (op === "set_expiry") session.set("_session_expiry", key);
  else throw new Error(`unknown operation ${op}`);
}

const secretKey = "a secret for tests";
const KEY = "0123456789abcdefghijklmnopqrstuv";
const T = Date.UTC(2026, 0, 1);

let db: SqliteDatabase;
const rows = () => db.prepare("SELECT * FROM django_session ORDER BY session_key").all();
const addRow = (data: string, expires: string, key = KEY) =>
  db.prepare("INSERT INTO django_session VALUES (?, ?, ?)").run(key, data, expires);

beforeEach(async () => {
  db = await openSqlite(":memory:");
  db.exec(
    "CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL)",
  );
});

/** One request. @returns what it left in the response */
async function visit(
  options: Partial<DjangoSessionsOptions>,
  cookie: string | null,
  view: (session: Session) => unknown = () => {},
  status = 200,
) {
  const sessionInterface = djangoSessions(db, { secretKey, now: () => T, cacheControl: false, ...options });
  const manager = new SessionManager({ sessionInterface });
  const name = options.cookieName ?? "sessionid";
  const sent = new Headers(cookie === null ? {} : { Cookie: `${name}=${cookie}` });
  const context = manager.requestContext({ headers: sent });
  await context.opening;
  view(context.session);
  const { modified, accessed } = stateOf(context.session);
  const headers = new Headers();
  await context.save({ headers, status });
  return { lines: headers.getSetCookie(), vary: headers.get("Vary"), modified, accessed, manager };
}

describe("djangoSessions decides as Django's middleware does", () => {
  it.each(vectors.filter(({ name }) => !OF_THE_COOKIE_ENGINE.has(name)).map((v) => [v.name, v] as const))(
    "%s",
    async (_, { secret_key, now, config, request_cookie, ops, status, expect: given, other_versions }) => {
      const expected = other_versions["5.1.7"] ?? given;
      const own: Record<string, unknown> = {
        secretKey: Buffer.from(secret_key.hex, "hex"),
        now: () => now * 1000,
      };
      for (const [setting, value] of Object.entries(config)) own[OPTIONS[setting]!] = value;
      const options = own as unknown as DjangoSessionsOptions;
      const keys = { secretKey: options.secretKey };
      let cookie = request_cookie;
      if (request_cookie !== null) {
        const context = { now: now * 1000, maxAge: options.lifetime ?? 1_209_600, cookieName: "sessionid" };
        const decoded = djangoCodec(keys).decode(request_cookie, context);
        // What is a session in a cookie is a row here; anything else is no key here either.
        if (decoded.ok) {
          addRow(djangoSessionData(keys).encode(decoded.fields, now * 1000), "9999-01-01 00:00:00");
          cookie = KEY;
        }
      }
      const answer = await visit(options, cookie, (session) => ops.forEach((op) => act(session, op)), status);
      const masked = (lines: readonly string[]) => lines.map((line) => line.replace(/=[^";]+;/, "=KEY;"));
      expect(masked(answer.lines)).toEqual(masked(expected.set_cookie));
      expect(answer.vary).toBe(expected.vary);
      expect([answer.modified, answer.accessed]).toEqual([expected.modified, expected.accessed]);
    },
  );
});

describe("djangoSessions", () => {
  const textOf = (data: Record<string, string>) =>
    djangoSessionData({ secretKey }).encode(new Map(Object.entries(data)), T);

  it("makes keys of 32 random characters, and a row that ends when its cookie does", async () => {
    const { lines } = await visit({}, null, (session) => session.set("a", 1));
    const [row] = rows() as [{ session_key: string; expire_date: string }];
    expect(row.session_key).toMatch(/^[a-z0-9]{32}$/);
    expect(row.expire_date).toBe("2026-01-15 00:00:00.000000");
    expect(lines).toEqual([
      `sessionid=${row.session_key}; expires=Thu, 15 Jan 2026 00:00:00 GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax`,
    ]);
  });

  it("takes an expired row for none, and does not revive it", async () => {
    addRow(textOf({ a: "1" }), "2026-01-01 00:00:00");
    const { lines } = await visit({}, KEY, (session) => session.get("a"));
    expect(lines[0]).toMatch(/^sessionid=""; /);
    const written = await visit({}, KEY, (session) => session.set("b", 1));
    expect(written.lines[0]).not.toContain(KEY);
    expect(rows()).toHaveLength(2);
  });

  it.each([
    ["seven77", true, true],
    ["eight888", false, true],
    ["UPPER-88", false, true],
  ] as const)(
    "deletes the cookie %s where Django does, which looks an unknown key up only if its data is asked for",
    async (cookie, isMalformed, isUnknown) => {
      const isDeletion = ({ lines }: { lines: string[] }) => lines[0]?.startsWith('sessionid=""; ') ?? false;
      expect(isDeletion(await visit({}, cookie))).toBe(isMalformed);
      expect(isDeletion(await visit({}, cookie, (session) => session.get("a")))).toBe(isUnknown);
    },
  );

  it("extends a row with every request, if it is to", async () => {
    addRow(textOf({ a: "1" }), "2026-01-01 00:10:00");
    await visit({}, KEY, (session) => session.get("a"));
    expect(rows()).toEqual([expect.objectContaining({ expire_date: "2026-01-01 00:10:00" })]);
    const { lines } = await visit({ refreshEachRequest: true }, KEY);
    expect(rows()).toEqual([
      expect.objectContaining({
        expire_date: "2026-01-15 00:00:00.000000",
        session_data: textOf({ a: "1" }),
      }),
    ]);
    expect(lines[0]).toContain(`sessionid=${KEY}; expires=Thu, 15 Jan 2026 00:00:00 GMT;`);
  });

  it("writes a domain as it is given, and no path if there is none", async () => {
    const attributesOf = async (options: Partial<DjangoSessionsOptions>) =>
      (await visit(options, null, (session) => session.set("a", 1))).lines[0]!.replace(/.*?; /, "");
    expect(await attributesOf({ cookieDomain: "example.com", expireAtBrowserClose: true })).toBe(
      "Domain=example.com; HttpOnly; Path=/; SameSite=Lax",
    );
    expect(await attributesOf({ cookiePath: null, expireAtBrowserClose: true })).toBe(
      "HttpOnly; SameSite=Lax",
    );
  });

  it("leaves a row alone that it cannot read, and its cookie as well", async () => {
    const foreign = djangoSessionData({ secretKey: "the old one" }).encode(new Map([["a", "1"]]), T);
    addRow(foreign, "2026-02-01 00:00:00");
    const reasons: string[] = [];
    const onRefused = (reason: string) => reasons.push(reason);
    const { lines } = await visit({ onRefused }, KEY, (session) => expect(session.get("a")).toBeUndefined());
    expect(lines).toEqual([]);
    expect(reasons).toEqual(["bad_signature"]);
    await visit({}, KEY, (session) => session.set("b", 1));
    expect(rows()).toContainEqual(expect.objectContaining({ session_key: KEY, session_data: foreign }));
    const known = await visit({ secretKeyFallbacks: ["the old one"] }, KEY, (session) =>
      expect(session.get("a")).toBe(1),
    );
    expect(known.lines).toEqual([]);
  });

  it("reads every form in which set_expiry is stored", async () => {
    const cases: [unknown, string, string | undefined][] = [
      [60, "2026-01-01 00:01:00.000000", "60"],
      [0, "2026-01-15 00:00:00.000000", undefined],
      [null, "2026-01-15 00:00:00.000000", "1209600"],
      ["2026-01-01T01:00:00+00:00", "2026-01-01 01:00:00.000000", "3600"],
      ["2026-01-01T03:00:00.500000+02:00", "2026-01-01 01:00:00.500000", "3600"],
      ["next week", "2026-01-15 00:00:00.000000", "1209600"],
    ];
    for (const [value, expires, maxAge] of cases) {
      db.exec("DELETE FROM django_session");
      const { lines } = await visit({}, null, (session) => session.set("_session_expiry", value));
      expect(rows()).toEqual([expect.objectContaining({ expire_date: expires })]);
      expect(/Max-Age=(\d+)/.exec(lines[0]!)?.[1]).toBe(maxAge);
    }
  });

  it.each([
    { cookiePath: "/a; SameSite=None" },
    { cookiePath: "/a b" },
    { cookiePath: "/\u00e4" },
    { cookieDomain: "a.example; Secure" },
    { cookieDomain: "a .example" },
  ])("refuses at the start what would not stay within its attribute: %j", (options) => {
    expect(() => djangoSessions(db, { secretKey, ...options })).toThrow(ConfigError);
  });

  it("reads a moment without an offset as the time of the project, which has USE_TZ off", async () => {
    // The time zone of this process is not that of the project.
    vi.stubEnv("TZ", "America/Chicago");
    onTestFinished(() => void vi.unstubAllEnvs());
    // As Django stores set_expiry(timedelta(hours=1)) in each zone at that moment, which is midnight in UTC.
    const cases: [timeZone: string, stored: string][] = [
      ["UTC", "2026-01-01T01:00:00"],
      ["America/New_York", "2025-12-31T20:00:00"],
      ["Asia/Tokyo", "2026-01-01T10:00:00"],
      ["Asia/Kolkata", "2026-01-01T06:30:00.000000"],
    ];
    for (const [timeZone, stored] of cases) {
      db.exec("DELETE FROM django_session");
      const { lines } = await visit({ timeZone }, null, (session) => session.set("_session_expiry", stored));
      expect([timeZone, /Max-Age=(-?\d+)/.exec(lines[0]!)?.[1]]).toEqual([timeZone, "3600"]);
      expect(lines[0]).toContain("expires=Thu, 01 Jan 2026 01:00:00 GMT");
      // The row, in the same zone, ends when Django says.
      expect(rows()).toEqual([
        expect.objectContaining({ expire_date: `${stored.slice(0, 19).replace("T", " ")}.000000` }),
      ]);
      // With an offset the zone does not matter.
      const aware = await visit({ timeZone }, null, (session) =>
        session.set("_session_expiry", "2026-01-01T01:00:00+00:00"),
      );
      expect(aware.lines[0]).toContain("Max-Age=3600");
    }
  });

  it.each([
    // What Django 5.2 writes with USE_TZ off, for nothing, a number, and set_expiry(timedelta(days=1)).
    ["America/New_York", "2026-03-08T06:30Z", undefined, 1_209_600, "2026-03-22 01:30"],
    ["America/New_York", "2026-03-08T06:30Z", 86_400, 86_400, "2026-03-09 01:30"],
    ["America/New_York", "2026-03-08T06:30Z", "2026-03-09T01:30:00", 86_400, "2026-03-09 01:30"],
    ["Europe/London", "2026-03-29T00:30Z", 86_400, 86_400, "2026-03-30 00:30"],
    ["Australia/Lord_Howe", "2026-03-29T00:30Z", undefined, 1_209_600, "2026-04-12 11:30"],
    ["America/St_Johns", "2026-10-25T01:30Z", undefined, 1_209_600, "2026-11-07 23:00"],
  ] as const)(
    "adds to the local time where clocks change, as a project with USE_TZ off does: %s %s %s",
    async (timeZone, at, expiry, maxAge, ends) => {
      const { lines } = await visit({ timeZone, now: () => Date.parse(at) }, null, (session) =>
        session.set(expiry === undefined ? "a" : "_session_expiry", expiry ?? 1),
      );
      expect(lines[0]).toContain(`Max-Age=${maxAge};`);
      expect(rows()).toEqual([expect.objectContaining({ expire_date: `${ends}:00.000000` })]);
      // The same moment, with its offset, in PostgreSQL.
      const instant = djangoDialect("postgres", timeZone).instant(Date.parse(at), maxAge * 1000);
      const local = new Date(instant).toLocaleString("sv-SE", {
        timeZone,
        dateStyle: "short",
        timeStyle: "short",
      });
      expect(local).toBe(ends);
    },
  );

  it("leaves data as it was when a request fails, but ends and moves sessions", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    const write = (session: Session) => session.set("b", 2);
    expect((await visit({}, KEY, write, 500)).lines).toEqual([]);
    expect(rows()).toEqual([expect.objectContaining({ session_data: textOf({ a: "1" }) })]);
    const moved = await visit(
      {},
      KEY,
      (session) => (write(session), session.regenerate({ keep: true })),
      500,
    );
    const [row] = rows() as [{ session_key: string; session_data: string }];
    expect(row).toMatchObject({ session_data: textOf({ a: "1" }) });
    expect(moved.lines[0]).toContain(`sessionid=${row.session_key};`);
    const ended = await visit({}, row.session_key, (session) => session.destroy(), 500);
    expect(ended.lines[0]).toMatch(/^sessionid="";/);
    expect(rows()).toEqual([]);
  });

  it("begins anew what is written after the end, in a row of its own", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    await visit({}, KEY, (session) => (session.destroy(), session.set("b", 2)));
    const [row] = rows() as [{ session_key: string; session_data: string }];
    expect(row.session_data).toBe(textOf({ b: "2" }));
    expect(row.session_key).not.toBe(KEY);
  });

  it("deletes the cookie of what a failed request ended, and stores nothing that it wrote after that", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    const { lines } = await visit({}, KEY, (session) => (session.destroy(), session.set("b", 2)), 500);
    expect(lines).toEqual([expect.stringMatching(/^sessionid=""; expires=Thu, 01 Jan 1970/)]);
    expect(rows()).toEqual([]);
  });

  it("takes the last of several cookies, as Python does", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    await visit({}, `${"b".repeat(32)}; sessionid=${KEY}`, (session) => expect(session.get("a")).toBe(1));
  });

  it("drops what was written while the session ended, and sets no cookie", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    const told: unknown[] = [];
    const listen = (message: unknown) => told.push(message);
    subscribe("hipflask:lost", listen);
    const { lines } = await visit({}, KEY, (session) => {
      db.exec("DELETE FROM django_session");
      session.set("b", 1);
    });
    unsubscribe("hipflask:lost", listen);
    expect([lines, rows()]).toEqual([[], []]);
    expect(told).toEqual([{ selector: expect.stringMatching(/^[\w-]{16}$/), owner: null, reason: "gone" }]);
  });

  it("throws, on request, when a session ended while it was changed", async () => {
    addRow(textOf({ a: "1" }), "2026-02-01 00:00:00");
    const late = visit({ lostWrites: "throw" }, KEY, (session) => {
      db.exec("DELETE FROM django_session");
      session.set("b", 2);
    });
    await expect(late).rejects.toMatchObject({ code: "SESSION_LOST" });
    expect(rows()).toEqual([]);
  });

  it("refuses values that Django has no JSON for, and saves nothing then", async () => {
    const dated = visit({}, null, (session) => session.set("when", new Date(0)));
    await expect(dated).rejects.toMatchObject({ code: "UNSERIALIZABLE" });
    expect(rows()).toEqual([]);
  });

  it("opens a file by its path, and closes it with its manager", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hipflask-django-"));
    const path = join(folder, "db.sqlite3");
    const django = await openSqlite(path);
    django.exec("CREATE TABLE django_session (session_key, session_data, expire_date)");
    const manager = new SessionManager({ sessionInterface: djangoSessions(path, { secretKey }) });
    const context = manager.requestContext({ headers: new Headers() });
    context.session.set("a", 1);
    await context.save({ headers: new Headers() });
    await manager.close();
    expect(django.prepare("SELECT count(*) AS n FROM django_session").all()).toEqual([{ n: 1 }]);
    django.close();
    // A database that was passed in is the application's to close.
    const { manager: other } = await visit({}, null);
    await other.close();
    expect(rows()).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it("answers 503 when the database cannot be asked, and sets no cookie", async () => {
    db.exec("DROP TABLE django_session");
    const told: unknown[] = [];
    const listen = (message: unknown) => told.push(message);
    subscribe("hipflask:storeFailed", listen);
    const asked = visit({}, KEY);
    await expect(asked).rejects.toMatchObject({ code: "STORE", status: 503 });
    unsubscribe("hipflask:storeFailed", listen);
    expect(told).toEqual([{ verb: "read", reason: "unavailable" }]);
    const written = visit({}, null, (session) => session.set("a", 1));
    await expect(written).rejects.toMatchObject({ code: "STORE" });
    const never = { query: () => new Promise<never>(() => {}) };
    const slow = djangoSessions(never, { secretKey, storeTimeout: 0.02 });
    const headers = new Headers({ Cookie: `sessionid=${KEY}` });
    await expect(slow.openSession({ headers })).rejects.toMatchObject({ reason: "timeout" });
  });

  it("tells of its sessions on the channels, and never by their key", async () => {
    const told: string[] = [];
    const listen = (message: unknown, channel: string | symbol) =>
      told.push(`${String(channel)} ${JSON.stringify(message)}`);
    const channels = ["opened", "created", "rotated", "destroyed", "lost", "saved"].map(
      (name) => `hipflask:${name}`,
    );
    for (const channel of channels) subscribe(channel, listen);
    await visit({}, null, (session) => session.set("a", 1));
    const [row] = rows() as [{ session_key: string }];
    await visit({}, row.session_key, (session) => session.regenerate({ keep: true }));
    const [moved] = rows() as [{ session_key: string }];
    await visit({ refreshEachRequest: true }, moved.session_key);
    await visit({}, moved.session_key, (session) => session.destroy());
    for (const channel of channels) unsubscribe(channel, listen);
    expect(told.map((line) => line.split(" ")[0])).toEqual(
      [
        "created",
        "saved",
        "opened",
        "rotated",
        "saved",
        "opened",
        "saved",
        "opened",
        "destroyed",
        "saved",
      ].map((name) => `hipflask:${name}`),
    );
    expect(told.filter((line) => line.includes("opened"))).toEqual(
      Array.from({ length: 3 }, () =>
        expect.stringMatching(/ \{"cookieName":"sessionid","keys":1,"selector":"[\w-]{16}"\}$/),
      ),
    );
    expect(told.filter((line) => /created|rotated|destroyed/.test(line))).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/ \{"selector":"[\w-]{16}","owner":null\}$/)),
    );
    expect(told.filter((line) => line.includes("saved"))).toEqual(
      ["write", "write", "refresh", "delete"].map(
        (outcome) => `hipflask:saved {"outcome":"${outcome}","cookieName":"sessionid"}`,
      ),
    );
    expect(told.join()).not.toMatch(new RegExp(`${row.session_key}|${moved.session_key}`));
  });

  it("says what is wrong with its options, and that Django's rows have no owners", async () => {
    expect(() => djangoSessions(db, { secretKey: "" })).toThrow(/SECRET_KEY/);
    expect(() => djangoSessions(db, { secretKey, timeZone: "Mars/Base" })).toThrow(/timeZone/);
    expect(() => djangoSessions(db, { secretKey, table: "a; DROP TABLE b" })).toThrow(/table/);
    expect(() => djangoSessions({} as SqliteDatabase, { secretKey })).toThrow(/none of these/);
    const owned = visit({}, null, (session) => (session.owner = "1"));
    await expect(owned).rejects.toThrow(/shared with another program/);
    const { manager } = await visit({}, null);
    await expect(manager.list("1")).rejects.toMatchObject({ code: "CONFIG" });
  });
});
