// Checked, never run: a store takes its own clients, and to pass anything else is an error of the compiler.
import { createClient } from "@redis/client";
import { sessions } from "hipflask/fetch";
import { denoKvStore } from "hipflask/stores/deno-kv";
import { durableObjectStore } from "hipflask/stores/durable-object";
import { dynamodbStore } from "hipflask/stores/dynamodb";
import { expressSessionStore } from "hipflask/stores/express-session";
import { storeFromUrl } from "hipflask/stores/from-url";
import { memcachedStore } from "hipflask/stores/memcached";
import { memoryStore } from "hipflask/stores/memory";
import { mongodbStore } from "hipflask/stores/mongodb";
import { mysqlStore } from "hipflask/stores/mysql";
import { postgresStore } from "hipflask/stores/postgres";
import { redisStore } from "hipflask/stores/redis";
import { sqlStore } from "hipflask/stores/sql";
import { sqliteStore } from "hipflask/stores/sqlite";
import { workersKvStore } from "hipflask/stores/workers-kv";
import { Cluster, Redis } from "ioredis";
import Libsql from "libsql";
import { createPool as createCallbackPool } from "mysql2";
import { createPool } from "mysql2/promise";
import { Client, Pool } from "pg";

const pool = new Pool();
const mysql = createPool("mysql://127.0.0.1/app");
const sqlite = new Libsql(":memory:");
const redis = createClient();
const store = memoryStore();

// What each takes.
sessions({ store });
postgresStore(pool);
mysqlStore(mysql);
sqliteStore("sessions.db");
sqliteStore(sqlite);
for (const handle of [pool, new Client(), mysql, createCallbackPool("mysql://127.0.0.1/app"), sqlite]) {
  sqlStore(handle);
}
sqlStore({ dialect: "postgres", run: async () => ({ rows: [], affected: 0 }) });
for (const client of [redis, new Redis(), new Cluster([])]) redisStore(client);

// @ts-expect-error -- a URL
sessions({ store: "redis://127.0.0.1" });
// @ts-expect-error -- a promise that was not awaited
sessions({ store: storeFromUrl("redis://127.0.0.1") });
// @ts-expect-error -- a client in place of a store
sessions({ store: redis });
// @ts-expect-error -- a factory that was not called
sessions({ store: memoryStore });
// @ts-expect-error -- the URL may be missing
storeFromUrl(process.env["SESSION_STORE"]);

// @ts-expect-error -- a URL
postgresStore("postgres://127.0.0.1/app");
// @ts-expect-error -- another database's pool
postgresStore(mysql);
// @ts-expect-error -- the class
postgresStore(Pool);
// @ts-expect-error -- another database's pool
mysqlStore(pool);
// @ts-expect-error -- a URL
mysqlStore("mysql://127.0.0.1/app");
// @ts-expect-error -- nothing
sqliteStore(undefined);
// @ts-expect-error -- another database's pool
sqliteStore(pool);
// @ts-expect-error -- a URL
sqlStore("postgres://127.0.0.1/app");
// @ts-expect-error -- nothing
sqlStore(undefined);
// @ts-expect-error -- a promise that was not awaited
sqlStore(Promise.resolve(pool));
// @ts-expect-error -- a client of Redis
sqlStore(redis);
// @ts-expect-error -- another client of Redis
sqlStore(new Redis());
// @ts-expect-error -- a dialect that is not known
sqlStore({ dialect: "oracle", run: async () => ({ rows: [], affected: 0 }) });
// @ts-expect-error -- a URL
redisStore("redis://127.0.0.1");
// @ts-expect-error -- a promise that was not awaited
redisStore(createClient().connect());
// @ts-expect-error -- a database of SQL
redisStore(pool);
// @ts-expect-error -- a cache
redisStore(new Map<string, string>());

// @ts-expect-error -- a URL
dynamodbStore("dynamodb://eu-central-1");
// @ts-expect-error -- another engine's client
dynamodbStore(redis);
// @ts-expect-error -- a URL
mongodbStore("mongodb://127.0.0.1");
// @ts-expect-error -- another engine's client
mongodbStore(pool);
// @ts-expect-error -- an address
memcachedStore("127.0.0.1:11211");
// @ts-expect-error -- another engine's client
memcachedStore(redis);
// @ts-expect-error -- another engine's client
durableObjectStore(redis);
// @ts-expect-error -- another engine's client
workersKvStore(redis);
// @ts-expect-error -- another engine's client
denoKvStore(redis);
// @ts-expect-error -- a store of ours
expressSessionStore(store);
// @ts-expect-error -- a client, not a store over it
expressSessionStore(redis);
// @ts-expect-error -- another client
expressSessionStore(new Redis());
// @ts-expect-error -- a cache
expressSessionStore(new Map<string, string>());
