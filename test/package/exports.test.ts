import { createRequire } from "node:module";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/copies.ts";
import { importsOf } from "../architecture/modules.ts";
import { publicNames, subpaths } from "../support/public-api.ts";

type Class = abstract new () => object;

const root = join(import.meta.dirname, "../..");
const names = publicNames();
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  peerDependencies: Record<string, string>;
  exports: Record<string, Record<string, Record<string, string>> | string>;
};
const require = createRequire(import.meta.url);

describe("package.json exports", () => {
  it("leads to modules and to CommonJS, each with types first", () => {
    const doors = Object.entries(manifest.exports).filter(([, target]) => typeof target !== "string");
    expect(doors.length).toBeGreaterThan(30);
    for (const [subpath, target] of doors) {
      const base = (target as Record<string, Record<string, string>>)["import"]!["default"]!.slice(0, -3);
      expect([subpath, JSON.stringify(target)]).toEqual([
        subpath,
        JSON.stringify({
          import: { types: `${base}.d.ts`, default: `${base}.js` },
          require: { types: `${base}.d.cts`, default: `${base}.cjs` },
        }),
      ]);
      const files = ["js", "d.ts", "cjs", "d.cts"].map((extension) => `${base}.${extension}`);
      expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    }
  });

  it("leads to files whose imports are all there", () => {
    const folder = join(root, "dist");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const dead = files
      .filter((name) => /\.d\.c?ts$|\.js$/.test(name))
      .flatMap((name) =>
        importsOf(readFileSync(join(folder, name), "utf8"))
          .filter((path) => path.startsWith("."))
          .map((path) => join(dirname(name), path))
          .filter((path) => {
            const target = name.endsWith("ts") ? path.replace(/(c?)js$/, "d.$1ts") : path;
            return !files.includes(target) && !existsSync(join(folder, target));
          })
          .map((path) => `${name}: ${path}`),
      );
    expect(files.length).toBeGreaterThan(200);
    expect(dead).toEqual([]);
  });

  it("needs no package but those that users bring along", () => {
    const allowed = [...Object.keys(manifest.peerDependencies), "hipflask"];
    const files = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" });
    const foreign = files
      .filter((name) => /\.c?js$/.test(name))
      .flatMap((name) => {
        const code = readFileSync(join(root, "dist", name), "utf8");
        const needed = /(?:\bfrom |^import |\bimport\(|\brequire\()"([^".][^"]*)"/gm;
        return [...code.matchAll(needed)].map(([, path]) => `${name}: ${path}`);
      })
      .filter((line) => !allowed.some((known) => / node:/.test(line) || line.includes(`: ${known}`)));
    expect(foreign).toEqual([]);
  });

  it("leads to plain ASCII, which is read twice as fast", () => {
    const files = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" });
    const scripts = files.filter((name) => /\.c?js$/.test(name));
    expect(scripts.length).toBeGreaterThan(80);
    const isAscii = (name: string) => !/[^ -~\s]/.test(readFileSync(join(root, "dist", name), "latin1"));
    expect(scripts.filter((name) => !isAscii(name))).toEqual([]);
  });

  it("is of the version that the code says", () => {
    expect(VERSION).toBe(manifest.version);
  });

  // Next is not installed here; the apps in test/frameworks import what it offers.
  const importable = [...subpaths().keys()].filter((subpath) => subpath !== "./next");

  it.each(importable)("gives at %s in JavaScript what the types promise", async (subpath) => {
    const promised = names.filter((name) => name.subpath === subpath && name.kind !== "type");
    const listed = promised.map(({ name }) => name).toSorted();
    const given = Object.keys((await import(`hipflask${subpath.slice(1)}`)) as object);
    expect(given.toSorted()).toEqual(listed);
    const required = Object.keys(require(`hipflask${subpath.slice(1)}`) as object);
    expect(required.toSorted()).toEqual(listed);
  });

  it.each(importable)("gives at %s classes whose instances both builds recognise", async (subpath) => {
    const classes = names.filter((name) => name.subpath === subpath && name.kind === "class");
    const imported = (await import(`hipflask${subpath.slice(1)}`)) as Record<string, Class>;
    const required = require(`hipflask${subpath.slice(1)}`) as Record<string, Class>;
    for (const { name } of classes) {
      const [ours, theirs] = [imported[name]!, required[name]!];
      expect(ours).not.toBe(theirs);
      const all = [Object.create(ours.prototype), Object.create(theirs.prototype)];
      expect([name, ...all.map((made) => made instanceof ours && made instanceof theirs)]).toEqual([
        name,
        true,
        true,
      ]);
      // And of subclasses, which inherit the way in which instances are recognised.
      const Sub = class extends (ours as new () => object) {};
      expect([name, ...all.map((made) => made instanceof Sub)]).toEqual([name, false, false]);
      expect([name, Object.create(Sub.prototype) instanceof theirs]).toEqual([name, true]);
    }
  });

  // A change here is a change for users: `npx vitest run test/package -u` and a line in CHANGELOG.md.
  it("offers these names", () => {
    const listing = [...subpaths().keys()].map((subpath) => {
      const here = names
        .filter((name) => name.subpath === subpath)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const list = (types: boolean) =>
        here
          .filter(({ kind }) => (kind === "type") === types)
          .map(({ name }) => `  ${types ? "type " : ""}${name}`);
      return [`hipflask${subpath.slice(1)}`, ...list(false), ...list(true)].join("\n");
    });
    expect(`\n${listing.join("\n\n")}\n`).toMatchInlineSnapshot(`
      "
      hipflask
        BadData
        BadHeader
        BadPayload
        BadShape
        BadSignature
        BadTimeSignature
        ConfigError
        CookieSessionInterface
        CookieTooLargeError
        CsrfError
        EMPTY_FIELDS
        Float
        ForeignContextError
        ForeignOriginError
        HipflaskError
        Markup
        NoSecretKeyError
        NotFreshError
        OutsideRequestError
        OwnerLimitError
        RequestContext
        ReservedNameError
        SchemaError
        SecureCookieSessionInterface
        SessionClosedError
        SessionConflictError
        SessionLostError
        SessionManager
        SessionNotLoadedError
        SessionReadOnlyError
        SignatureExpired
        StoreError
        StoreSessionInterface
        TaggedJSONSerializer
        Tuple
        UUID
        UnserializableError
        consume
        createSession
        decide
        dumpCookie
        flaskCodec
        float
        getSession
        hasSession
        inspectCookie
        isReservedName
        loadSession
        optionsFromFlask
        parseCookie
        requireFresh
        resolveOptions
        resolveStoreOptions
        sealedCodec
        selectorOf
        session
        stateOf
        streamWithContext
        tuple
        withoutSession
        type CacheConflictEvent
        type ClearSiteDataType
        type Codec
        type CodecContext
        type Compress
        type CookieAttributes
        type CookieConfig
        type CsrfErrorReason
        type Decision
        type Decoded
        type DestroyedListener
        type Fields
        type FlashMessages
        type FlashMethod
        type FlashedMessagesOptions
        type FlaskCodecOptions
        type FlaskConfig
        type FloatReading
        type GetFlashedMessagesMethod
        type HipflaskErrorCode
        type InferSessionData
        type InspectedCookie
        type LostEvent
        type MigratedEvent
        type OpenedEvent
        type Outcome
        type OwnedSession
        type RecordKeptEvent
        type RefusalReason
        type RefusedEvent
        type ReservedName
        type ResponseHeaders
        type SameSite
        type SaveState
        type SavedEvent
        type SchemaIssue
        type SchemaResult
        type SealedCodecOptions
        type SecureCookieConfig
        type Session
        type SessionData
        type SessionInterface
        type SessionMethods
        type SessionOptions
        type SessionRequest
        type SessionResponse
        type SessionState
        type SessionStateOptions
        type SignatureEvidence
        type StandardSchemaV1
        type Store
        type StoreConfig
        type StoreErrorReason
        type StoreFailedEvent
        type StoreOptions
        type StoredEvent
        type SweepFailedEvent
        type Tag
        type TagRegistration
        type TaggedJSONOptions

      hipflask/itsdangerous
        BadData
        BadHeader
        BadPayload
        BadSignature
        BadTimeSignature
        ConfigError
        HipflaskError
        Serializer
        SignatureExpired
        Signer
        TimedSerializer
        TimestampSigner
        URLSafeSerializer
        URLSafeTimedSerializer
        type Digest
        type HipflaskErrorCode
        type KeyDerivation
        type PayloadSerializer
        type SaltOption
        type SecretKey
        type SerializerOptions
        type SignatureEvidence
        type SignerOptions
        type TimedLoadsOptions
        type TimedSerializerOptions
        type TimestampSignerOptions
        type URLSafeOptions
        type UnsignOptions

      hipflask/accepts
        authjs
        codecCookie
        cookieParser
        cookieSession
        expressSession
        fastifySecureSession
        fastifySession
        h3Session
        honoSession
        honoSessions
        honoSignedCookie
        ironSession
        koaSession
        nextAuth
        nextIronSession
        nextSession
        reactRouter
        remixSession
        type AcceptContext
        type AcceptOptions
        type AcceptRefusal
        type Accepted
        type AcceptedContent
        type AcceptedCookie
        type AuthjsOptions
        type CodecCookieOptions
        type CookieParserOptions
        type CookieSessionOptions
        type ExpressSessionOptions
        type FastifySecureSessionOptions
        type FastifySessionOptions
        type H3SessionOptions
        type HonoSessionOptions
        type HonoSessionsOptions
        type IronSessionOptions
        type KeygripOptions
        type KoaSessionOptions
        type NextIronSessionOptions
        type OldRecords
        type OldStore
        type OldStoreCallback
        type ReactRouterOptions
        type RemixSessionOptions
        type RequestCookies
        type SignedCookieOptions
        type Sodium
        type StoreAcceptOptions

      hipflask/csrf
        CsrfError
        CsrfProtect
        ForeignOriginError
        crossOriginProtection
        type CrossOriginOptions
        type CsrfErrorReason
        type CsrfOptions
        type OriginRequest

      hipflask/codecs/django
        djangoCodec
        djangoSessionData
        type DjangoCodecOptions
        type DjangoSessionData

      hipflask/fetch
        sessions
        type FetchHandler

      hipflask/express
        sessions
        type RequestSession
        type RequestSessionMethods
        type SessionCallback
        type SessionCookie

      hipflask/express-session
        Cookie
        MemoryStore
        Session
        Store
        default
        session
        type CookieData
        type CookieOptions
        type MemoryStoreOptions
        type RequestOfSession
        type SessionCallback
        type SessionData
        type SessionOptions
        type SessionStore

      hipflask/fastify
        sessions

      hipflask/koa
        sessions

      hipflask/h3
        sessions

      hipflask/hono
        sessions

      hipflask/socket
        ForeignOriginError
        sessions
        type SocketOptions
        type SocketSession
        type SocketSessionMethods
        type SocketSessions

      hipflask/next
        sessions
        type NextSessions

      hipflask/astro
        sessions
        type AstroContext
        type AstroMiddleware

      hipflask/nuxt
        sessions
        type NuxtApp
        type NuxtEvent

      hipflask/react-router
        sessionContext
        sessionStorage
        sessions

      hipflask/sveltekit
        sessions
        type SvelteKitCookieOptions
        type SvelteKitEvent
        type SvelteKitHandle

      hipflask/node
        sessions
        type NodeHandler

      hipflask/stores/contract
        startSweep
        sweepOnce
        type Replaced
        type Store
        type Stored
        type Sweep
        type SweepOptions
        type Sweepable
        type Write

      hipflask/stores/memory
        memoryStore
        type MemoryStoreOptions

      hipflask/inspector
        inspector
        nodeListener
        type Inspector
        type InspectorOptions

      hipflask/opentelemetry
        bridgeToOpenTelemetry
        type EventAttributes
        type OpenTelemetryOptions
        type SessionMeter
        type SessionSpan

      hipflask/django
        djangoSessions
        type DjangoDatabase
        type DjangoSessionsOptions
        type MysqlPool
        type PostgresPool
        type PostgresQuery
        type SqliteDatabase
        type SqliteStatement

      hipflask/flask-session
        flaskSessionRedis
        type FlaskSessionFormat
        type FlaskSessionRedisOptions
        type IoRedisBytes
        type NodeRedisBytes

      hipflask/testing
        faultyStore
        sessionTransaction
        storeContract
        testClient
        testClock
        type CookieJar
        type FaultyStore
        type SessionTransactionOptions
        type StoreCapabilities
        type StoreFactory
        type StoreFault
        type StoreStep
        type StoreTools
        type StoreUnderTest
        type TestClient
        type TestClientOptions
        type TestClock
        type TestRunner
        type TestedApp

      hipflask/stores/sqlite
        sqliteStore
        type SqliteDatabase
        type SqliteStatement
        type SqliteStoreOptions

      hipflask/stores/redis
        redisStore
        type BunRedisClient
        type IoRedisClient
        type NodeRedisClient
        type NodeRedisSet
        type RedisClient
        type RedisStoreOptions
        type UpstashClient

      hipflask/stores/postgres
        POSTGRES_SCHEMA
        postgresStore
        type PostgresOptions
        type PostgresPool
        type PostgresQuery
        type SqlStore

      hipflask/stores/mysql
        MYSQL_SCHEMA
        mysqlStore
        type MysqlPool
        type SqlStore

      hipflask/stores/express-session
        expressSessionStore
        type ExpressCompareAndSet
        type ExpressRecord
        type ExpressSessionBackend
        type ExpressSessionStoreOptions

      hipflask/stores/from-url
        storeFromUrl

      hipflask/stores/sql
        sqlStore
        type BunSqlHandle
        type D1Handle
        type DrizzleHandle
        type KnexHandle
        type KyselyHandle
        type LibsqlClientHandle
        type MariadbHandle
        type Mysql2Handle
        type NeonHandle
        type PGliteHandle
        type PgHandle
        type PlanetscaleHandle
        type PostgresJsHandle
        type PrismaHandle
        type SqlDatabase
        type SqlHandle
        type SqlResult
        type SqlRow
        type SqlStore
        type SqlValue
        type SqliteDatabase
        type SqliteStatement
        type TursoHandle

      hipflask/stores/dynamodb
        dynamodbStore
        type DynamoDocument
        type DynamoStoreOptions

      hipflask/stores/mongodb
        mongodbStore
        type MongoCollection

      hipflask/stores/memcached
        memcachedStore
        type Callback
        type MemcachedClient
        type MemcachedStoreOptions

      hipflask/stores/durable-object
        HipflaskSession
        durableObjectStore
        type ObjectNamespace
        type ObjectResponse
        type ObjectState
        type ObjectStorage

      hipflask/stores/workers-kv
        workersKvStore
        type WorkersKv

      hipflask/stores/deno-kv
        denoKvStore
        type DenoKv
        type DenoKvAtomic
        type DenoKvEntry
        type DenoKvStoreOptions
      "
    `);
  });
});
