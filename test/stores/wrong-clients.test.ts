import { Redis } from "ioredis";
import Libsql from "libsql";
import { createClient } from "@redis/client";
import { createPool } from "mysql2/promise";
import { Client, Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { djangoSessions } from "../../src/django.ts";
import { ConfigError } from "../../src/errors.ts";
import { withoutHelp } from "../../src/help.ts";
import { MemoryStore } from "../../src/express-session.ts";
import { flaskSessionRedis } from "../../src/flask-session.ts";
import { SessionManager } from "../../src/manager/manager.ts";
import { denoKvStore } from "../../src/stores/deno-kv.ts";
import { durableObjectStore } from "../../src/stores/durable-object.ts";
import { dynamodbStore } from "../../src/stores/dynamodb.ts";
import { expressSessionStore } from "../../src/express-session/express-session-store.ts";
import { memcachedStore } from "../../src/stores/memcached.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { mongodbStore } from "../../src/stores/mongodb.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { workersKvStore } from "../../src/stores/workers-kv.ts";

type Factory = (given: never) => unknown;
const secretKey = "a secret of the tests, long enough";

/** Every factory, and what it says that it takes. */
const factories: ReadonlyArray<readonly [name: string, make: Factory, takes: RegExp]> = [
  ['"store"', (store) => new SessionManager({ secretKey, store }), /a store of hipflask/],
  ["postgresStore", postgresStore, /a Pool of pg/],
  ["mysqlStore", mysqlStore, /a pool of mysql2\/promise/],
  ["sqliteStore", sqliteStore, /the path of a file, or an open database/],
  ["sqlStore", sqlStore, /a database of pg, postgres .*Kysely, Knex, Drizzle/],
  ["redisStore", redisStore, /a connected client of @redis\/client/],
  ["dynamodbStore", dynamodbStore, /DynamoDBDocument\.from/],
  ["mongodbStore", mongodbStore, /a collection of the mongodb package/],
  ["memcachedStore", memcachedStore, /a client of the memcached package/],
  ["durableObjectStore", durableObjectStore, /env\.SESSIONS/],
  ["workersKvStore", workersKvStore, /env\.SESSIONS/],
  ["denoKvStore", denoKvStore, /await Deno\.openKv/],
  ["expressSessionStore", expressSessionStore, /a store of express-session/],
  ["flaskSessionRedis", flaskSessionRedis, /a connected client of @redis\/client/],
  ["djangoSessions", (database) => djangoSessions(database, { secretKey }), /a Pool of pg/],
];

const redis = new Redis({ lazyConnect: true });
const pool = new Pool();
const mysql = createPool("mysql://root@127.0.0.1:1/test");
const sqlite = new Libsql(":memory:");
/** With the methods by which it is known. */
const knex = Object.assign(() => {}, { raw() {}, migrate: {}, client: { driverName: "pg" } });
const methods = (...names: string[]) => Object.fromEntries(names.map((name) => [name, () => {}]));

afterAll(async () => {
  redis.disconnect();
  await pool.end();
  await mysql.end();
  sqlite.close();
});

/** What people pass, what is said about it, and which factories take it. */
const values: ReadonlyArray<readonly [title: string, value: unknown, says: RegExp, ...takenBy: string[]]> = [
  // Without a store, sessions are in the cookie.
  ["undefined", undefined, /it got undefined\.$/, '"store"'],
  ["null", null, /it got null\.$/],
  ["a number", 7, /it got a number\.$/],
  ["a URL", "redis://ada:hunter2@127.0.0.1", /it got the string of a URL, which `await storeFromUrl\(url\)`/],
  ["a path", "sessions.db", /it got a string\.$/, "sqliteStore", "djangoSessions"],
  ["a promise", Promise.resolve(memoryStore()), /it got a promise: await it\.$/],
  ["an empty object", {}, /it got an object that is none of these\.$/],
  ["a class", Pool, /it got the class (?:Bound)?Pool itself: make one with new (?:Bound)?Pool\(…\)\.$/],
  ["a factory", memoryStore, /it got the function memoryStore itself: call it\.$/],
  ["a store", memoryStore(), /it got a store of hipflask: /, '"store"'],
  ["a store of express-session", new MemoryStore(), /use expressSessionStore/, "expressSessionStore"],
  ["a cache of another library", new Map(), /another library: which cannot compare and set\.$/],
  ["storage of another library", methods("getItem", "setItem", "removeItem"), /of another library/],
  ["a client of Redis", redis, /use redisStore/, "redisStore", "flaskSessionRedis"],
  ["a Pool of pg", pool, /use sqlStore/, "postgresStore", "sqlStore", "djangoSessions"],
  ["a pool of mysql2", mysql, /use sqlStore/, "mysqlStore", "sqlStore", "djangoSessions"],
  ["a database of SQLite", sqlite, /use sqlStore/, "sqliteStore", "sqlStore", "djangoSessions"],
  ["a MongoClient", methods("startSession", "db", "connect"), /use mongodbStore\(client\.db/],
  ["a collection", methods("updateOne", "findOne"), /use mongodbStore of/, "mongodbStore"],
  ["a DynamoDBClient", methods("send", "middlewareStack"), /use dynamodbStore\(DynamoDBDocument\.from/],
  [
    "a DynamoDBDocument",
    methods("get", "put", "batchGet", "send", "middlewareStack"),
    /use dynamodbStore of/,
    "dynamodbStore",
  ],
  ["a client of Memcached", methods("get", "gets", "cas", "set"), /use memcachedStore/, "memcachedStore"],
  [
    "a namespace of objects",
    methods("idFromName", "get", "newUniqueId"),
    /use durableObjectStore/,
    "durableObjectStore",
  ],
  [
    "a KV namespace",
    methods("get", "put", "delete", "list", "getWithMetadata"),
    /use workersKvStore/,
    "workersKvStore",
  ],
  ["a database of pg-promise", methods("query", "connect", "$pool", "$config"), /db\.\$pool\.$/],
  ["a pool of slonik", methods("query", "connect", "anyFirst"), /a pool of slonik: pass a pg\.Pool/],
  ["a Sequelize", methods("query", "getQueryInterface"), /a Sequelize: pass a pool/],
  ["a DataSource", methods("query", "createQueryRunner", "getRepository"), /of TypeORM: pass a pool/],
  ["a pool of mssql", methods("query", "connect", "request", "batch"), /a pool of mssql: /],
  ["a connection of mysql", methods("query", "connect", "escapeId"), /mysql package: use mysql2\.$/],
  [
    "a client of redis 3",
    methods("get", "set", "evalsha", "internal_send_command"),
    /takes callbacks: make it/,
  ],
  ["a transaction of Redis", methods("get", "set", "evalSha", "exec"), /takes callbacks: make it/],
  ["a client of Valkey GLIDE", methods("get", "set", "customCommand"), /GLIDE: use iovalkey/],
  ["a model of Mongoose", methods("findOne", "updateOne", "schema"), /its collection, Model\.collection\.$/],
  [
    "a connection of Mongoose",
    methods("model", "collection", "get", "set"),
    /or its connection: use mongodbStore/,
  ],
  ["a DocumentClient of 2020", methods("get", "put", "batchGet", "createSet"), /use DynamoDBDocument of/],
  [
    "a client of Supabase",
    methods("from", "rpc", "auth"),
    /Supabase: which does not run SQL: pass new pg\.Pool/,
  ],
  ["Hyperdrive", { connectionString: "postgres://ada:hunter2@x/y", connect() {} }, /Hyperdrive: pass a conn/],
  ["a knex", knex, /use sqlStore/, "sqlStore"],
  ["a Deno.Kv", methods("get", "set", "getMany", "atomic"), /use denoKvStore/, "denoKvStore"],
];

/** They have the methods of `node:sqlite`, and answer later. */
const later: ReadonlyArray<readonly [title: string, prepare: () => unknown]> = [
  ["sqlite3", () => ({ all: () => ({}), run: () => ({}) })],
  ["sqlite, libsql/promise", () => Promise.resolve({})],
  ["sqlite that rejects", () => Promise.reject(new Error("no such table"))],
  ["another package of Turso", () => ({ all: () => Promise.resolve([]) })],
  ["sql.js", () => ({ getAsObject() {} })],
];

describe.each(later)("a database of %s", (_, prepare) => {
  it("is refused at once, with what to write", () => {
    const db = { exec() {}, close() {}, prepare };
    for (const make of [sqliteStore, sqlStore, (of: never) => djangoSessions(of, { secretKey })]) {
      const error = thrownBy(() => make(db as never)) as ConfigError;
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toMatch(/asynchronous driver .*: pass the path of its file to sqliteStore/);
    }
  });
});

describe("Knex over another driver", () => {
  it.each(["mysql", "sqlite3", "tedious"])("%s is refused with those that are known", (driverName) => {
    const made = Object.assign(() => {}, { raw() {}, migrate: {}, client: { driverName } });
    expect(() => sqlStore(made as never)).toThrow(/drivers pg, mysql2 and better-sqlite3, not with "/);
  });
});

function thrownBy(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(factories)("%s", (name, make, takes) => {
  const own = values.filter(([, , , ...takenBy]) => takenBy.includes(name));
  const wrong = values
    .filter((value) => !own.includes(value))
    .map(([title, value, says]) => [title, value, says]);

  it.each(wrong as Array<[title: string, value: unknown, says: RegExp]>)(
    "says at once, in one sentence, what is wrong with %s",
    (_, value, says) => {
      const error = thrownBy(() => make(value as never));
      expect(error).toBeInstanceOf(ConfigError);
      const message = withoutHelp((error as ConfigError).message);
      expect(message.startsWith(`${name} takes `)).toBe(true);
      expect(message).toMatch(takes);
      expect(message).toMatch(says);
      expect(message).not.toContain("hunter2");
      expect(message).not.toMatch(/\. [A-Z]|\n/);
    },
  );

  it("takes what is its own", () => {
    expect(own.length).toBeGreaterThan(0);
    expect(own.map(([, value]) => thrownBy(() => make(value as never)))).toEqual(own.map(() => undefined));
  });
});

describe("a client that is not connected, or not any more", () => {
  it("is refused where it would not connect by itself", async () => {
    for (const make of [redisStore, flaskSessionRedis]) {
      expect(() => make(createClient() as never)).toThrow(
        /got a client of @redis\/client that is not connected: await client\.connect\(\) first\. See/,
      );
    }
    for (const make of [postgresStore, sqlStore, (of: Client) => djangoSessions(of, { secretKey })]) {
      expect(() => make(new Client())).toThrow(/is not connected: await client\.connect\(\) first/);
    }
  });

  it("is refused where it answers by callbacks", () => {
    const legacy = { isOpen: true, options: { legacyMode: true }, get() {}, evalSha() {} };
    expect(() => redisStore(legacy as never)).toThrow(/redis 4 in legacyMode, which takes callbacks/);
  });

  it("is refused once it was closed", async () => {
    const ended = new Pool();
    await ended.end();
    const closedPool = createPool("mysql://root@127.0.0.1:1/test");
    await closedPool.end();
    const closedFile = new Libsql(":memory:");
    closedFile.close();
    const quit = new Redis({ lazyConnect: true });
    quit.disconnect();
    await expect.poll(() => quit.status).toBe("end");
    for (const open of [
      () => postgresStore(ended),
      () => sqlStore(ended),
      () => djangoSessions(ended, { secretKey }),
      () => djangoSessions(closedPool, { secretKey }),
      () => djangoSessions(closedFile as never, { secretKey }),
      () => mysqlStore(closedPool),
      () => sqlStore(closedPool),
      () => sqliteStore(closedFile as never),
      () => sqlStore(closedFile as never),
      () => redisStore(quit),
    ]) {
      expect(open).toThrow(ConfigError);
      expect(open).toThrow(/was closed already: pass one that stays open\. See/);
    }
  });
});
