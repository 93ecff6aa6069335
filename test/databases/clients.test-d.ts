// Checked by test/services/client-types.test.ts, never run: the clients that are installed here fit the types of their stores.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import type { D1Database, DurableObjectNamespace, KVNamespace } from "@cloudflare/workers-types";
import { PGlite } from "@electric-sql/pglite";
import { createClient } from "@libsql/client";
import { neon, Pool as NeonPool } from "@neondatabase/serverless";
import { Client as PlanetScale, connect } from "@planetscale/database";
import { connect as connectTurso } from "@tursodatabase/serverless";
import { Redis } from "@upstash/redis";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { dynamodbStore } from "hipflask/stores/dynamodb";
import { durableObjectStore } from "hipflask/stores/durable-object";
import { memcachedStore } from "hipflask/stores/memcached";
import { mongodbStore } from "hipflask/stores/mongodb";
import { postgresStore } from "hipflask/stores/postgres";
import { redisStore } from "hipflask/stores/redis";
import { sqlStore, type BunSqlHandle } from "hipflask/stores/sql";
import { workersKvStore } from "hipflask/stores/workers-kv";
import knex from "knex";
import { Kysely, PostgresDialect } from "kysely";
import { createPool } from "mariadb";
import Memcached from "memcached";
import { MongoClient } from "mongodb";
import postgres from "postgres";
import { createClient as createRedis4 } from "redis4";

dynamodbStore(DynamoDBDocument.from(new DynamoDBClient({})), { table: "sessions" });
mongodbStore(new MongoClient("mongodb://127.0.0.1").db().collection("sessions"));
redisStore(new Redis({ url: "https://x.upstash.io", token: "x" }));
sqlStore(postgres("postgres://127.0.0.1"));
sqlStore(new PGlite());
sqlStore(createClient({ url: ":memory:" }));
sqlStore(neon("postgres://127.0.0.1"));
sqlStore(new NeonPool());
sqlStore(new PlanetScale({}));
sqlStore(connect({}));
sqlStore(createPool({}));
const bunSql: BunSqlHandle = { unsafe: async () => [], flush: () => {}, options: { adapter: "mysql" } };
sqlStore(bunSql);
sqlStore(new Kysely<object>({ dialect: new PostgresDialect({ pool: null as never }) }));
sqlStore(knex({ client: "pg" }));
sqlStore(connectTurso({ url: "libsql://x.turso.io", authToken: "x" }));
redisStore(createRedis4());
sqlStore(drizzlePglite(new PGlite()));
memcachedStore(new Memcached("127.0.0.1:11211"));

declare const env: { DB: D1Database; SESSIONS: DurableObjectNamespace; KV: KVNamespace };
sqlStore(env.DB);
durableObjectStore(env.SESSIONS);
workersKvStore(env.KV);

declare const pgPromise: {
  query(text: string): Promise<unknown>;
  connect(): Promise<unknown>;
  $pool: object;
};
// @ts-expect-error -- a database of pg-promise in place of its pool
sqlStore(pgPromise);
// @ts-expect-error -- the same
postgresStore(pgPromise);
// @ts-expect-error -- another binding
workersKvStore(env.DB);
// @ts-expect-error -- another binding
durableObjectStore(env.KV);
// @ts-expect-error -- another binding
sqlStore(env.KV);
// @ts-expect-error -- the client beneath a document client
dynamodbStore(new DynamoDBClient({}));
// @ts-expect-error -- a client in place of a collection
mongodbStore(new MongoClient("mongodb://127.0.0.1"));
// @ts-expect-error -- a database in place of a collection
mongodbStore(new MongoClient("mongodb://127.0.0.1").db());
// @ts-expect-error -- a client of Redis
sqlStore(new Redis({ url: "https://x.upstash.io", token: "x" }));
// @ts-expect-error -- a client of MongoDB
sqlStore(new MongoClient("mongodb://127.0.0.1"));
// @ts-expect-error -- a promise that was not awaited
redisStore(Promise.resolve(new Redis({ url: "https://x.upstash.io", token: "x" })));
