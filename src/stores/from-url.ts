import { checkCount } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { refusal } from "./parts/clients.ts";
import { readUrl } from "./from-url/url.ts";
import type { Store } from "./parts/store.ts";

/**
 * Opens the store at a URL, connects it, and creates missing tables. Only the driver for the URL's scheme is imported, so only
 * that one has to be installed. `close()` closes the connections.
 *
 * | URL | store | package |
 * |---|---|---|
 * | `memory:` | in this process | none |
 * | `sqlite:sessions.db` | a file | none on Node ≥ 22.5, Bun and Deno, else `libsql` |
 * | `redis://…`, `rediss://…` | Redis or Valkey | `@redis/client` |
 * | `redis+cluster://a:6379,b:6379`, `rediss+cluster://…` | a cluster; some of its nodes are enough | `@redis/client` |
 * | `postgres://…` | PostgreSQL | `pg` |
 * | `mysql://…`, `mariadb://…` | MariaDB or MySQL | `mysql2` |
 * | `libsql://NAME.turso.io?authToken=TOKEN` | Turso, or another server of libSQL | `@libsql/client` |
 * | `https://:TOKEN@NAME.upstash.io` | Redis over HTTP | `@upstash/redis` |
 * | `dynamodb://region/table` | DynamoDB, with the credentials that the AWS SDK finds | `@aws-sdk/client-dynamodb` and `@aws-sdk/lib-dynamodb` |
 * | `mongodb://…/database`, `mongodb+srv://…` | the collection `hipflask_sessions` in MongoDB | `mongodb` |
 * | `memcached://127.0.0.1:11211` | one server of Memcached | `memcached` |
 *
 * @throws ConfigError for a scheme that is not in the table, an invalid URL, or a package that is not installed. Its
 *   message never holds the URL, since that may hold a password. StoreError if the engine cannot be reached, or does not
 *   respond within 10 seconds.
 * @example
 * ```ts
 * import { storeFromUrl } from "hipflask/stores/from-url";
 * const store = await storeFromUrl("sqlite:sessions.db");
 * ```
 */
export async function storeFromUrl(url: string): Promise<Store> {
  checkCount(
    "storeFromUrl",
    arguments,
    1,
    "a store with options has a function of its own, as in redisStore(client, { prefix })",
  );
  if (typeof url !== "string") throw refusal("storeFromUrl", "the string of a URL", url);
  const [, scheme = "", rest] = /^([a-z][a-z\d+.-]*):(.*)$/is.exec(url.trim()) ?? [];
  const open = Object.hasOwn(OPEN, scheme.toLowerCase()) ? OPEN[scheme.toLowerCase()] : undefined;
  if (open === undefined) throw new ConfigError(`storeFromUrl ${gotInstead(url.trim(), scheme)}.`);
  return open(`${scheme.toLowerCase()}:${rest}`);
}

/** The end of the error message, which contains no part of the URL except its scheme. */
function gotInstead(url: string, scheme: string): string {
  const known = Object.keys(OPEN).map((name) => `${name}:`);
  const begins = `a store's URL begins with ${known.join(", ")}`;
  if (url === "") return `got an empty string, as of a variable that is not set; ${begins}`;
  if (scheme.toLowerCase() === "file") return "got a file: URL; a file of SQLite is sqlite:PATH";
  if (scheme === "" || scheme.length === 1)
    return `got a string that is not a URL; a file of SQLite is sqlite:PATH, and ${begins}`;
  return `knows no "${scheme}:" URLs; ${begins}, and any other store is made from its own client`;
}

/** Loaded when their scheme is used. */
const redis = () => import("./from-url/redis.ts");
const sql = () => import("./from-url/sql.ts");
const others = () => import("./from-url/others.ts");

const postgres = async (url: string) => (await sql()).postgres(readUrl(url));
const mysql = async (url: string) => (await sql()).mysql(readUrl(url));
const oneRedis = async (url: string) => (await redis()).redis(readUrl(url));
const cluster = async (url: string) => (await redis()).redisCluster(readUrl(url));
const upstash = async (url: string) => (await redis()).upstash(readUrl(url));
const mongodb = async (url: string) => (await others()).mongodb(readUrl(url));

const OPEN: Readonly<Record<string, (url: string) => Promise<Store>>> = {
  memory: async () => (await import("./memory.ts")).memoryStore(),
  sqlite: async (url) => (await sql()).sqlite(url),
  redis: oneRedis,
  rediss: oneRedis,
  "redis+cluster": cluster,
  "rediss+cluster": cluster,
  postgres,
  postgresql: postgres,
  mysql,
  mariadb: mysql,
  libsql: async (url) => (await sql()).libsql(readUrl(url)),
  https: upstash,
  http: upstash,
  dynamodb: async (url) => (await others()).dynamodb(readUrl(url)),
  mongodb,
  "mongodb+srv": mongodb,
  memcached: async (url) => (await others()).memcached(readUrl(url)),
};
