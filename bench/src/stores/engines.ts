import { Redis } from "ioredis";
import { createPool, type Pool as MysqlPool } from "mysql2/promise";
import { existsSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool as PostgresPool } from "pg";
import { createClient } from "redis";

const { REDIS_URL, POSTGRES_URL, MYSQL_URL } = process.env;
const REDIS = REDIS_URL ?? "redis://127.0.0.1:6379";
export const POSTGRES = POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
export const MYSQL = MYSQL_URL ?? "mysql://root@127.0.0.1/test";

export type NodeRedis = ReturnType<typeof createClient>;

/** Engines whose clients are installed for the tests, by `npm ci` in test/databases. */
export const BORROWED = ["postgres.js", "pglite", "libsql client", "memcached"] as const;
export type Borrowed = (typeof BORROWED)[number];

/** Where sessions can live: an engine as seen by one client. */
export const ENGINES = ["memory", "sqlite", "redis", "ioredis", "postgres", "mariadb", ...BORROWED] as const;
export type Engine = (typeof ENGINES)[number];

/**
 * What a run keeps for itself in every engine, so that nothing of it is left afterwards, and nothing else is touched: the
 * prefix of its keys in Redis, a schema in PostgreSQL, a database in MariaDB, a folder for SQLite.
 */
export interface Space {
  readonly name: string;
  readonly folder: string;
}

export function newSpace(): Space {
  return { name: `hipflask_bench_${process.pid}`, folder: mkdtempSync(join(tmpdir(), "hipflask-bench-")) };
}

export const keyPrefix = ({ name }: Space): string => `${name}:`;

export async function openRedis(): Promise<NodeRedis> {
  const client = createClient({ url: REDIS, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** A client that keeps what it has read, and is told by Redis what has changed since. */
export async function openCachingRedis(url = REDIS): Promise<NodeRedis> {
  const client = createClient({
    url,
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" },
  });
  client.on("error", () => {});
  await client.connect();
  return client as unknown as NodeRedis;
}

export async function openIoRedis(): Promise<Redis> {
  const client = new Redis(REDIS, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  await client.connect();
  return client;
}

export function openPostgres({ name }: Space): PostgresPool {
  return new PostgresPool({ connectionString: POSTGRES, max: 8, options: `-c search_path=${name}` });
}

export function openMysql({ name }: Space): MysqlPool {
  const url = new URL(MYSQL);
  url.pathname = `/${name}`;
  return createPool({ uri: url.href, connectionLimit: 8 });
}

export async function openSqliteFile({ folder }: Space, name: string) {
  const path = join(folder, name);
  const db = await import("node:sqlite").then(
    ({ DatabaseSync }) => new DatabaseSync(path),
    async () => new (await import("libsql")).default(path),
  );
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  return db;
}

/** Bytes of a SQLite file with what is not checkpointed yet. */
export function sqliteBytes({ folder }: Space, name: string): number {
  const files = ["", "-wal"].map((ending) => join(folder, name + ending));
  return files.reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
}

export async function unlinkAll(redis: NodeRedis, prefix: string): Promise<void> {
  for await (const keys of redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 5000 })) {
    if (keys.length > 0) await redis.unlink(keys);
  }
}
