import { Redis } from "ioredis";
import { Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { djangoSessions } from "../../src/django.ts";
import { ConfigError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/express-session.ts";
import { flaskSessionRedis } from "../../src/flask-session.ts";
import { withoutHelp } from "../../src/help.ts";
import { denoKvStore } from "../../src/stores/deno-kv.ts";
import { dynamodbStore } from "../../src/stores/dynamodb.ts";
import { expressSessionStore } from "../../src/express-session/express-session-store.ts";
import { memcachedStore } from "../../src/stores/memcached.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";

const secretKey = "a secret of the tests, long enough";
const redis = new Redis({ lazyConnect: true });
const pool = new Pool();
afterAll(async () => {
  redis.disconnect();
  await pool.end();
});

const client = (...methods: string[]) =>
  Object.fromEntries(methods.map((name) => [name, () => {}])) as unknown as never;

/** Every factory with options: what makes it, options that are right, and an option of which the last letter is forgotten. */
const factories: ReadonlyArray<readonly [string, (options: never) => unknown, object, string]> = [
  ["memoryStore", memoryStore, { maxRecords: 10, maxBytes: 1e6, now: Date.now }, "maxRecords"],
  ["redisStore", (options) => redisStore(redis, options), { prefix: "" }, "prefix"],
  ["sqliteStore", (options) => sqliteStore(":memory:", options), { synchronous: "full" }, "busyTimeout"],
  ["postgresStore", (options) => postgresStore(pool, options), { prepare: false }, "prepare"],
  ["dynamodbStore", (options) => dynamodbStore(client("batchGet", "put"), options), { table: "a" }, "table"],
  ["memcachedStore", (options) => memcachedStore(client("gets", "cas"), options), { prefix: "a" }, "prefix"],
  ["denoKvStore", (options) => denoKvStore(client("atomic", "getMany"), options), { prefix: "a" }, "prefix"],
  [
    "expressSessionStore",
    (options) => expressSessionStore(new MemoryStore(), options),
    { now: Date.now },
    "compareAndSet",
  ],
];

const messageOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return withoutHelp((error as ConfigError).message);
  }
  return "accepted";
};

describe.each(factories)("%s", (name, make, right, option) => {
  it("takes its options, and undefined for those that are left out", () => {
    expect(messageOf(() => make(right as never))).toBe("accepted");
    expect(messageOf(() => make({ [option]: undefined } as never))).toBe("accepted");
    expect(messageOf(() => make(undefined as never))).toBe("accepted");
  });

  it.each([
    [1000, "a number"],
    ["sessions:", "a string"],
    [null, "null"],
    [[], "a list"],
    [() => ({}), "a function"],
  ])("refuses %j in place of its options", (given, found) => {
    const message = messageOf(() => make(given as never));
    expect(message).toMatch(
      new RegExp(`^The options of ${name} must be an object, as in .*: … }, and they are ${found}\\.$`),
    );
  });

  it("refuses an unknown option, and names the one that was meant", () => {
    const message = messageOf(() => make({ [option.slice(0, -1)]: 1 } as never));
    expect(message).toBe(`${name} has no option "${option.slice(0, -1)}". Did you mean "${option}"?`);
    expect(messageOf(() => make({ toString: 1 } as never))).toBe(`${name} has no option "toString".`);
  });

  it.each([...new Set([option, ...Object.keys(right)])])(
    "refuses a value that %s cannot have, and does not show it",
    (key) => {
      for (const value of [null, Symbol("pa55"), { pa55: 1 }]) {
        const message = messageOf(() => make({ [key]: value } as never));
        expect(message).toMatch(new RegExp(`^"${key}" must be `));
        expect(message).not.toContain("pa55");
      }
    },
  );
});

it("checks what the getters of a class say as well", () => {
  class Options {
    get maxRecords() {
      return 0;
    }
  }
  expect(messageOf(() => memoryStore(new Options()))).toBe('"maxRecords" must be a number from 1 on.');
});

it.each([
  [() => memoryStore({ maxRecords: 0 }), '"maxRecords" must be a number from 1 on.'],
  [() => memoryStore({ maxBytes: Number.NaN }), '"maxBytes" must be a number from 1 on.'],
  [
    () => sqliteStore(":memory:", { busyTimeout: -1 }),
    '"busyTimeout" must be a number of seconds from 0 on.',
  ],
  [
    () => sqliteStore(":memory:", { busyTimeout: 5000 }),
    '"busyTimeout" is in seconds, and the maximum is 600 seconds. If 5000 are milliseconds, write 5.',
  ],
  [
    () => sqliteStore(":memory:", { synchronous: "off" as never }),
    '"synchronous" must be "normal" or "full".',
  ],
  [
    () => djangoSessions(pool, undefined as never),
    'djangoSessions needs the project\'s SECRET_KEY as "secretKey": it signs what is stored.',
  ],
  [
    () => djangoSessions(pool, { secretKey, timeZone: 1 as never }),
    '"timeZone" must be a string, and it is of type number.',
  ],
  [
    () => djangoSessions(pool, { secretKey, lostWrites: "keep" as never }),
    '"lostWrites" must be "drop" or "throw".',
  ],
  [
    () => djangoSessions(pool, { secretKey, tabel: "a" } as never),
    'djangoSessions has no option "tabel". Did you mean "table"?',
  ],
  [() => flaskSessionRedis(redis, { format: "pickle" as never }), '"format" must be "msgpack" or "json".'],
  [
    () => flaskSessionRedis(redis, { useSigner: "yes" as never }),
    '"useSigner" must be a boolean, and it is of type string.',
  ],
  [
    () => flaskSessionRedis(redis, { storeTimeout: 2000 }),
    '"storeTimeout" is in seconds, and the maximum is 600 seconds. If 2000 are milliseconds, write 2.',
  ],
])("says what is wrong with a value: %s", (make, said) => {
  expect(messageOf(make)).toBe(said);
});
