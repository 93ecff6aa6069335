/**
 * What a client makes of an answer depends on how it was set up, and an application shares its client with us. Whatever its
 * settings, a session is kept and found again; an answer that cannot be understood is an error, and never a stranger.
 *
 * - chill117/express-mysql-session#98: a format of rows that the application has set for its own makes every session unreadable
 *   (of Oracle's driver; it was meant for express-oracle-session)
 * - redis/node-redis#43 and #871, haoxins/koa-redis-cache#15: texts come as bytes
 * - sidorares/node-mysql2#3644: the same in MySQL, where another connection has another `typeCast`
 * - brianc/node-postgres#676, electric-sql/pglite#315: parsers for types, of a connection or of the whole process
 */
import { Redis } from "ioredis";
import { createClient, RESP_TYPES } from "@redis/client";
import Libsql from "libsql";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { session, SessionManager, StoreError } from "../../src/index.ts";
import { dynamodbStore } from "../../src/stores/dynamodb.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import type { SqlHandle } from "../../src/stores/sql/handles.ts";
import { reachable } from "../services/service.ts";
import { databases } from "../support/databases.ts";
import { startDynalite } from "../support/dynalite.ts";
import { MapStore } from "../support/map-store.ts";

const packages = databases();
const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const redis = await reachable("Redis", "REDIS_URL", redisUrl);
const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);
const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);
const unique = `hipflask_settings_${process.pid}_${Date.now()}`;

// oxlint-disable-next-line typescript/no-explicit-any -- packages of another folder, without their types
type Package = any;
type Opened = readonly [handle: SqlHandle, close: () => unknown];

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const NAME = "  Ada é \u0001 𝒳";
const OWNER = "zoë ß";

/** A visitor logs in, comes again twice, looks at the list, and logs out everywhere. @returns what each of them was told */
async function conversation(store: Store): Promise<unknown[]> {
  const manager = new SessionManager({ secretKey: "settings", store, storeOptions: { sweepEvery: 0 } });
  closing.push(() => manager.close());
  let cookie = "";
  const ask = async (view: () => unknown) => {
    const context = manager.requestContext({ headers: new Headers({ Cookie: cookie }) });
    await context.opening;
    const said = await context.run(async () => view());
    const headers = new Headers();
    await context.save({ status: 200, headers });
    cookie = headers.getSetCookie()[0]?.split(";", 1)[0] ?? cookie;
    return said;
  };
  await ask(() => {
    session.owner = OWNER;
    session.update({ count: 1, name: NAME });
  });
  return [
    await ask(() => [session.owner, session.name, session.transact("count", (n = 0) => Number(n) + 1)]),
    await ask(() => [session.owner, session.count]),
    (await manager.list(OWNER)).length,
    await manager.destroyAll(OWNER),
    await ask(() => session.owner),
  ];
}

/** The same for each client. */
function keep<Settings>(
  settings: Record<string, Settings>,
  open: (settings: Settings) => Promise<Store> | Store,
): void {
  it.each(Object.entries(settings))("keeps sessions with %s", async (_, given) => {
    const told = await conversation(await open(given));
    expect(told).toEqual([[OWNER, NAME, 2], [OWNER, 2], 1, 1, null]);
  });
}

async function sql([handle, close]: Opened): Promise<Store> {
  closing.push(close);
  const store = sqlStore(handle);
  await store.migrate();
  return store;
}

describe.skipIf(redis.skip)(`@redis/client${redis.note}`, () => {
  const texts = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer };
  const all = { ...texts, [RESP_TYPES.NUMBER]: String, [RESP_TYPES.VERBATIM_STRING]: Buffer };
  keep<{ options: object; mapping?: object }>(
    {
      "RESP 3": { options: { RESP: 3 } },
      "everything mapped": { options: { RESP: 2 }, mapping: all },
      "everything mapped, RESP 3": { options: { RESP: 3 }, mapping: all },
      "texts as bytes by default": { options: { commandOptions: { typeMapping: texts } } },
    },
    async ({ options, mapping }) => {
      const client = createClient({ url: redisUrl, ...options });
      await client.connect();
      closing.push(() => client.close());
      const mapped = mapping === undefined ? client : client.withTypeMapping(mapping);
      return redisStore(mapped as never, { prefix: `${unique}:` });
    },
  );
});

describe.skipIf(redis.skip)(`ioredis${redis.note}`, () => {
  keep<object>(
    {
      "numbers as text": { stringNumbers: true },
      "a prefix and pipelines": { keyPrefix: "app:", enableAutoPipelining: true },
    },
    (options) => {
      const client = new Redis(redisUrl, options);
      closing.push(() => client.quit());
      return redisStore(client, { prefix: `${unique}:` });
    },
  );
});

describe.skipIf(postgres.skip)(`PostgreSQL${postgres.note}`, () => {
  const admin = new Pool({ connectionString: postgresUrl });
  beforeAll(async () => void (await admin.query(`CREATE SCHEMA ${unique}`)));
  afterEach(async () => void (await admin.query(`DROP TABLE IF EXISTS ${unique}.hipflask_sessions`)));
  afterAll(async () => {
    await admin.query(`DROP SCHEMA ${unique} CASCADE`);
    await admin.end();
  });
  const types = (parse: (value: string) => unknown) => ({ types: { getTypeParser: () => parse } });

  describe("pg", () => {
    keep<object>(
      {
        "numbers as bigints": types((value) => (/^\d+$/.test(value) ? BigInt(value) : value)),
        "texts that are trimmed": types((value) => value.trim().toUpperCase()),
        "values in objects": types((value) => ({ value })),
        "parsers that lose everything": types(() => undefined),
        bytes: { binary: true },
      },
      (options) => {
        const pool = new Pool({
          connectionString: postgresUrl,
          options: `-c search_path=${unique}`,
          ...options,
        });
        return sql([pool as never, () => pool.end()]);
      },
    );
  });

  describe.skipIf(packages.skip)(`postgres.js${packages.note}`, () => {
    keep<(postgres: Package) => object>(
      {
        bigints: (postgres) => ({ types: { bigint: postgres.BigInt } }),
        "columns in Pascal case": (postgres) => ({ transform: postgres.pascal }),
        "columns in kebab case": (postgres) => ({ transform: postgres.kebab }),
        "columns in upper case": () => ({ transform: { column: (name: string) => name.toUpperCase() } }),
        "rows as arrays": () => ({ transform: { row: (row: object) => Object.values(row) } }),
        "values that are trimmed": () => ({ transform: { value: (value: unknown) => String(value).trim() } }),
        "a parser for texts": () => ({
          types: { text: { to: 25, from: [25], serialize: String, parse: (text: string) => text.trim() } },
        }),
      },
      (options) => {
        const postgres = packages.require("postgres") as Package;
        const client = postgres(postgresUrl, {
          connection: { search_path: unique },
          onnotice: () => {},
          ...options(postgres),
        });
        return sql([client, () => client.end()]);
      },
    );
  });
});

describe.skipIf(packages.skip)(`PGlite${packages.note}`, () => {
  keep<object>(
    {
      "parsers and serializers": {
        parsers: { 20: (value: string) => `n${value}`, 25: (value: string) => value.toUpperCase() },
        serializers: { 25: () => "x", 20: () => "1" },
      },
    },
    (options) => {
      const db = new (packages.require("@electric-sql/pglite") as Package).PGlite(options);
      return sql([db, () => db.close()]);
    },
  );
});

describe.skipIf(mysql.skip)(`MariaDB${mysql.note}`, () => {
  const own = new URL(mysqlUrl);
  own.pathname = `/${unique}`;
  const admin = createPool(mysqlUrl);
  beforeAll(async () => void (await admin.query(`CREATE DATABASE ${unique}`)));
  afterEach(async () => void (await admin.query(`DROP TABLE IF EXISTS ${unique}.hipflask_sessions`)));
  afterAll(async () => {
    await admin.query(`DROP DATABASE ${unique}`);
    await admin.end();
  });

  describe("mysql2", () => {
    keep<object>(
      {
        "rows as arrays": { rowsAsArray: true },
        "rows in tables": { nestTables: true },
        "columns with their table's name": { nestTables: "_" },
        "everything as bytes": { typeCast: false },
        "a typeCast": { typeCast: (field: { string(): string }) => field.string().toUpperCase() },
        "numbers as text": { supportBigNumbers: true, bigNumberStrings: true },
        "placeholders with names": { namedPlaceholders: true, maxPreparedStatements: 1 },
      },
      (options) => {
        const pool = createPool({ uri: own.href, ...options });
        return sql([pool, () => pool.end()]);
      },
    );
  });

  describe.skipIf(packages.skip)(`mariadb${packages.note}`, () => {
    keep<object>(
      {
        "numbers only": { bigIntAsNumber: true, insertIdAsNumber: true, checkNumberRange: true },
        "numbers as text": { supportBigNumbers: true, bigNumberStrings: true },
        "rows as arrays": { rowsAsArray: true, metaAsArray: true },
        "rows in tables, placeholders with names": { nestTables: "_", namedPlaceholders: true },
        "a typeCast": { typeCast: () => "cast" },
        "rows that have changed": { foundRows: false, prepareCacheLength: 0, fullResult: true },
      },
      (options) => {
        const { hostname: host, username: user, password } = own;
        const port = Number(own.port || 3306);
        const access = { host, port, user, password, database: unique };
        const pool = (packages.require("mariadb") as Package).createPool({ ...access, ...options });
        return sql([pool, () => pool.end()]);
      },
    );
  });
});

describe("libsql", () => {
  keep({ bigints: undefined }, () => {
    const db = new Libsql(":memory:") as Package;
    db.defaultSafeIntegers(true);
    return sql([db, () => db.close()]);
  });
});

// From Node 22.5 on: on an older one there is nothing to skip.
const sqlite = process.getBuiltinModule?.("node:sqlite") as Package;
describe.each(sqlite === undefined ? [] : ["node:sqlite"])("%s", () => {
  keep<object>({ bigints: { readBigInts: true }, "rows as arrays": { returnArrays: true } }, (options) => {
    const db = new sqlite.DatabaseSync(":memory:", options);
    return sql([db, () => db.close()]);
  });
});

/** It is built for the version of Node that installed it. */
const better = (() => {
  try {
    const Database = packages.require("better-sqlite3") as Package;
    new Database(":memory:").close();
    return Database;
  } catch {
    return undefined;
  }
})();
describe.skipIf(better === undefined)("better-sqlite3", () => {
  keep({ bigints: undefined }, () => {
    const db = new better(":memory:");
    db.defaultSafeIntegers(true);
    return sql([db, () => db.close()]);
  });
});

describe.skipIf(packages.skip)(`@libsql/client${packages.note}`, () => {
  keep({ bigints: "bigint", "numbers as text": "string" }, (intMode) => {
    const client = (packages.require("@libsql/client") as Package).createClient({ url: ":memory:", intMode });
    return sql([client, () => client.close()]);
  });
});

describe.skipIf(packages.skip)(`DynamoDB's document client${packages.note}`, () => {
  keep<object>(
    {
      "numbers in objects": { unmarshallOptions: { wrapNumbers: true } },
      bigints: { unmarshallOptions: { wrapNumbers: BigInt } },
    },
    async (options) => {
      const server = await startDynalite("sessions");
      const client = new (packages.require("@aws-sdk/client-dynamodb").DynamoDBClient as Package)({
        endpoint: server.url,
        region: "local",
        credentials: { accessKeyId: "x", secretAccessKey: "x" },
      });
      const document = packages.require("@aws-sdk/lib-dynamodb").DynamoDBDocument.from(client, options);
      closing.push(
        () => document.destroy(),
        () => server.close(),
      );
      return dynamodbStore(document, { table: "sessions" });
    },
  );
});

describe("an answer that is none", () => {
  const row = { record: "{}", commit_id: "A".repeat(16), now: 1 };
  const answers: Record<string, unknown> = {
    nothing: undefined,
    "no rows": { affected: 0 },
    "rows as arrays": { rows: [Object.values(row)], affected: 0 },
    "other columns": { rows: [{ COMMIT_ID: "a", RECORD: "b" }], affected: 0 },
    "a text that is none": { rows: [{ ...row, record: { text: "{}" } }], affected: 0 },
    "no time": { rows: [{ ...row, now: "today" }], affected: 0 },
    "no number of rows": { rows: [] },
  };
  it.each(Object.entries(answers))("of a database is an error: %s", async (_, answer) => {
    const run = async () => answer as never;
    await expect(sqlStore({ dialect: "sqlite", run }).read("key")).rejects.toThrow(StoreError);
  });

  it.each<[step: "read" | "insert" | "remove", answer: unknown]>([
    ["read", null],
    ["read", {}],
    ["read", "{}"],
    ["insert", undefined],
    ["insert", "OK"],
    ["remove", true],
    ["remove", { status: "done" }],
  ])("of a store of one's own is an error: %s gives %j", async (step, answer) => {
    const store = new MapStore(Date.now);
    store[step] = async () => answer as never;
    await expect(conversation(store)).rejects.toThrow(
      `answered "${step}" with a value of an unexpected type`,
    );
  });
});
