/** What is written under a wrong name is never ignored: `max_age` would let every token pass, and a forgotten letter change nothing. */
import { Redis } from "ioredis";
import { Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import * as accepts from "../src/accepts.ts";
import { sessions as astro } from "../src/adapters/astro.ts";
import { sessions as express } from "../src/adapters/express.ts";
import { sessions as fastify } from "../src/adapters/fastify.ts";
import { sessions as fetching } from "../src/adapters/fetch.ts";
import { sessions as h3 } from "../src/adapters/h3.ts";
import { sessions as hono } from "../src/adapters/hono.ts";
import { sessions as koa } from "../src/adapters/koa.ts";
import { sessions as node } from "../src/adapters/node.ts";
import { sessions as nuxt } from "../src/adapters/nuxt.ts";
import { sessions as reactRouter } from "../src/adapters/react-router.ts";
import { sessions as socket } from "../src/adapters/socket.ts";
import { sessions as sveltekit } from "../src/adapters/sveltekit.ts";
import { djangoCodec } from "../src/codecs/django.ts";
import { CsrfProtect, crossOriginProtection } from "../src/csrf.ts";
import { djangoSessions } from "../src/django.ts";
import { ConfigError } from "../src/errors.ts";
import { flaskSessionRedis } from "../src/flask-session.ts";
import { withoutHelp } from "../src/help.ts";
import {
  consume,
  createSession,
  dumpCookie,
  flaskCodec,
  optionsFromFlask,
  resolveOptions,
  sealedCodec,
  SecureCookieSessionInterface,
  SessionManager,
  TaggedJSONSerializer,
} from "../src/index.ts";
import { inspector } from "../src/inspector.ts";
import {
  Serializer,
  Signer,
  TimedSerializer,
  TimestampSigner,
  URLSafeSerializer,
  URLSafeTimedSerializer,
} from "../src/itsdangerous.ts";
import { bridgeToOpenTelemetry } from "../src/opentelemetry.ts";
import { startSweep } from "../src/stores/contract.ts";
import { durableObjectStore } from "../src/stores/durable-object.ts";
import { storeFromUrl } from "../src/stores/from-url.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { mongodbStore } from "../src/stores/mongodb.ts";
import { mysqlStore } from "../src/stores/mysql.ts";
import { sqlStore } from "../src/stores/sql.ts";
import { workersKvStore } from "../src/stores/workers-kv.ts";
import { sessionTransaction, testClient, testClock } from "../src/testing.ts";

type Call = (options: never) => unknown;

const redis = new Redis({ lazyConnect: true });
afterAll(() => redis.disconnect());
// oxlint-disable-next-line typescript/no-explicit-any -- what JavaScript lets pass
const loose = (value: unknown): any => value;
const secretKey = "a secret of the tests, long enough";
const manager = new SessionManager({ secretKey, store: memoryStore() });
const signed = new TimestampSigner(secretKey).sign("ada");
const timed = new TimedSerializer(secretKey);
const text = timed.dumps(1);
const plain = new Serializer(secretKey);
const made = (Class: new (secretKey: string, options: never) => unknown): Call => {
  return (options) => new Class(secretKey, options);
};
const adapter =
  (sessions: (options: { secretKey: string }, handler: never) => unknown): Call =>
  (options) =>
    sessions({ secretKey }, options);

/** Every function with options: its name in messages, a call, an option that it has not, and the one that was meant. */
const calls: ReadonlyArray<readonly [string, Call, string, string]> = [
  ["Signer", made(Signer), "key_derivation", "keyDerivation"],
  ["TimestampSigner", made(TimestampSigner), "sault", "salt"],
  ["unsign", (options) => new TimestampSigner(secretKey).unsign(signed, options), "max_age", "maxAge"],
  ["unsign", (options) => new TimestampSigner(secretKey).validate(signed, options), "max_age", "maxAge"],
  ["Serializer", made(Serializer), "fallback_signers", "fallbackSigners"],
  ["TimedSerializer", made(TimedSerializer), "serialiser", "serializer"],
  ["URLSafeSerializer", made(URLSafeSerializer), "salt_", "salt"],
  ["URLSafeTimedSerializer", made(URLSafeTimedSerializer), "maxInflateSize", "maxInflatedSize"],
  ["dumps", (options) => plain.dumps(1, options), "slat", "salt"],
  ["loads", (options) => plain.loads(plain.dumps(1), options), "slat", "salt"],
  ["loads", (options) => timed.loads(text, options), "max_age", "maxAge"],
  ["loads", (options) => timed.loadsUnsafe(text, options), "max_age", "maxAge"],
  ["flaskCodec", (options) => flaskCodec(withKey(options)), "diggest", "digest"],
  ["sealedCodec", (options) => sealedCodec(withKey(options)), "audiance", "audience"],
  ["djangoCodec", (options) => djangoCodec(withKey(options)), "sallt", "salt"],
  ["TaggedJSONSerializer", (options) => new TaggedJSONSerializer(options), "sort_keys", "sortKeys"],
  [
    "getFlashedMessages",
    (options) => createSession().getFlashedMessages(options),
    "with_categories",
    "withCategories",
  ],
  ["session.regenerate", (options) => createSession().regenerate(options), "keeps", "keep"],
  ["dumpCookie", (options) => dumpCookie("a", "b", options), "httponly", "httpOnly"],
  ["crossOriginProtection", crossOriginProtection, "trustedOrigin", "trustedOrigins"],
  ["CsrfProtect", (options) => new CsrfProtect(withKey(options)), "time_limit", "timeLimit"],
  ["manager.list", (options) => manager.list("ada", options), "limits", "limit"],
  ["manager.destroyAll", (options) => manager.destroyAll("ada", options), "exept", "except"],
  [
    "inspector",
    (options) => inspector(manager, { authorize: () => true, ...(options as object) }),
    "kept",
    "keep",
  ],
  ["bridgeToOpenTelemetry", bridgeToOpenTelemetry, "metre", "meter"],
  ["startSweep", (options) => startSweep(memoryStore(), options), "evry", "every"],
  ["testClient", (options) => testClient(() => new Response(), options), "session", "sessions"],
  [
    "sessionTransaction",
    (options) => sessionTransaction(manager, undefined as never, () => 1, options),
    "uri",
    "url",
  ],
  ["sessions", adapter(astro), "onEror", "onError"],
  ["sessions", adapter(express), "origin", "origins"],
  ["sessions", adapter(fastify), "onEror", "onError"],
  ["sessions", adapter(fetching), "onEror", "onError"],
  ["sessions", adapter(node), "onEror", "onError"],
  ["sessions", adapter(nuxt), "onEror", "onError"],
  ["sessions", adapter(socket), "origin", "origins"],
  ["sessions", adapter(sveltekit), "onEror", "onError"],
  ["expressSession", accepts.expressSession, "secrets", "secret"],
  ["cookieSession", accepts.cookieSession, "cookie_name", "cookieName"],
  ["cookieParser", accepts.cookieParser, "cookiename", "cookieName"],
  ["honoSignedCookie", accepts.honoSignedCookie, "cookiename", "cookieName"],
  ["koaSession", accepts.koaSession, "key", "keys"],
  ["fastifySession", accepts.fastifySession, "cookieprefix", "cookiePrefix"],
  ["fastifySecureSession", accepts.fastifySecureSession, "expires", "expiry"],
  ["h3Session", accepts.h3Session, "max_age", "maxAge"],
  ["honoSession", accepts.honoSession, "secrets", "secret"],
  ["honoSessions", accepts.honoSessions, "encryptionkey", "encryptionKey"],
  ["ironSession", accepts.ironSession, "passwort", "password"],
  ["nextIronSession", accepts.nextIronSession, "anyMarker", ""],
  ["nextSession", accepts.nextSession, "stores", "store"],
  ["reactRouter", accepts.reactRouter, "secret", "secrets"],
  ["remixSession", accepts.remixSession, "secret", "secrets"],
  ["authjs", accepts.authjs, "secrets", "secret"],
  ["nextAuth", accepts.nextAuth, "secrets", "secret"],
  ["codecCookie", accepts.codecCookie, "maxage", "maxAge"],
];

/** Names beside a key; a number or a string as it is. */
function withKey(options: unknown): never {
  return (typeof options === "object" && options !== null ? { secretKey, ...options } : options) as never;
}

async function messageOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof ConfigError ? withoutHelp(error.message) : String(error);
  }
  return "accepted";
}

describe.each(calls)("%s", (name, call, wrong, meant) => {
  it(`has no option "${wrong}"`, async () => {
    const advice = meant === "" ? "" : ` Did you mean "${meant}"?`;
    expect(await messageOf(() => call({ [wrong]: undefined } as never))).toBe(
      `${name} has no option "${wrong}".${advice}`,
    );
  });
});

const spread = new Set(["inspector"]);
describe.each(calls.filter(([name]) => !spread.has(name)))("%s", (name, call) => {
  it.each([60, "salt", null])("refuses %j in the place of its options", async (given) => {
    expect(await messageOf(() => call(given as never))).toMatch(
      new RegExp(`^The options of ${name} must be an object|^session\\.regenerate`),
    );
  });
});

/** Every function without options where options would be looked for, as it is called with one argument more. */
it.each<[string, (...given: unknown[]) => unknown, unknown[]]>([
  ["memoryStore", loose(memoryStore), [{}]],
  ["sqlStore", loose(sqlStore), [{ dialect: "sqlite", run: () => [] }]],
  ["mysqlStore", loose(mysqlStore), [{ getConnection() {} }]],
  ["mongodbStore", loose(mongodbStore), [{}]],
  ["durableObjectStore", loose(durableObjectStore), [{}]],
  ["workersKvStore", loose(workersKvStore), [{}]],
  ["storeFromUrl", loose(storeFromUrl), ["memory:"]],
  ["SessionManager", (...given) => new (loose(SessionManager))(...given), [{ secretKey }]],
  ["optionsFromFlask", loose(optionsFromFlask), [{ SECRET_KEY: secretKey }]],
  ["consume", loose(consume), ["a key"]],
  ["testClock", loose(testClock), []],
  ["`sessions` of hipflask/koa", loose(koa), [{ secretKey }]],
  ["`sessions` of hipflask/hono", loose(hono), [{ secretKey }]],
  ["`sessions` of hipflask/h3", loose(h3), [{ secretKey }]],
  ["`sessions` of hipflask/react-router", loose(reactRouter), [{ secretKey }]],
])("%s refuses one argument more", async (name, call, given) => {
  const said = await messageOf(() => call(...given, { prefix: "a:" }));
  expect(said).toMatch(new RegExp(`^${name} takes no (second )?argument: `));
});

it("takes the mark of keyword arguments in Nunjucks", () => {
  const session = createSession();
  session.flash("saved", "info");
  const options = { withCategories: true, __keywords: true } as const;
  expect(session.getFlashedMessages(options)).toEqual([["info", "saved"]]);
});

it.each<[string, () => unknown, string]>([
  [
    "an age for a Signer",
    () => loose(new Signer(secretKey)).unsign("a.b", { maxAge: 60 }),
    "TimestampSigner",
  ],
  ["an age for its validate", () => loose(new Signer(secretKey)).validate("a.b", 60), "TimestampSigner"],
  ["an age for a Serializer", () => plain.loads(plain.dumps(1), loose({ maxAge: 60 })), "TimedSerializer"],
  ["onError in Koa", () => loose(koa)({ secretKey }, { onError() {} }), 'app.on("error"'],
  ["onError in h3", () => loose(h3)({ secretKey }, { onError() {} }), "no second argument"],
  ["onError in Hono", () => loose(hono)({ secretKey }, { onError() {} }), "app.onError"],
  [
    "onError in React Router",
    () => loose(reactRouter)({ secretKey }, { onError() {} }),
    "no second argument",
  ],
  [
    "SameSite=None without Secure from an overridden method",
    () => overridden({ getCookieSameSite: () => "None" }),
    "browsers ignore without Secure",
  ],
  [
    "a date to sign",
    () => loose(new TimestampSigner(secretKey)).sign("a", new Date()),
    "whole number of seconds",
  ],
  ["a fraction to sign", () => new TimestampSigner(secretKey).sign("a", 1.5), "whole number of seconds"],
  ["JSON as a serializer", () => new Serializer(secretKey, { serializer: JSON as never }), "dumps and loads"],
  [
    "JSON as a serializer for URLs",
    () => new URLSafeTimedSerializer(secretKey, { serializer: JSON as never }),
    "dumps and loads",
  ],
  [
    "one fallback signer",
    () => new Serializer(secretKey, { fallbackSigners: {} as never }),
    "must be a list",
  ],
  ["a pattern of origins", () => crossOriginProtection({ trustedOrigins: ["https://*.a.com"] }), "list each"],
  ["a session to keep", () => manager.destroyAll("ada", createSession() as never), "{ except: session }"],
  ["onError among the options", () => new SessionManager(loose({ secretKey, onError() {} })), "{ onError }"],
  [
    "protection in djangoSessions",
    () => djangoSessions(new Pool(), loose({ secretKey, crossOriginProtection: true })),
    'djangoSessions has no option "crossOriginProtection"',
  ],
  [
    "protection in flaskSessionRedis",
    () => flaskSessionRedis(redis, loose({ hardened: true })),
    'flaskSessionRedis has no option "hardened"',
  ],
  ["null for flaskSessionRedis", () => flaskSessionRedis(redis, null as never), "must be an object"],
])("refuses %s", async (_, call, said) => {
  expect(await messageOf(call)).toContain(said);
});

/** Saves a session by an interface with a method of its own. */
function overridden(methods: object): void {
  const sessionInterface = new SecureCookieSessionInterface(resolveOptions({ secretKey }));
  Object.assign(sessionInterface, methods);
  const request = { headers: new Headers() };
  const session = sessionInterface.openSession(request)!;
  session.name = "ada";
  sessionInterface.saveSession(session, request, { headers: new Headers() });
}
