// Each import is awaited in a `try` of its own: bundlers recognize this as an optional package.
import { ConfigError } from "../../errors.ts";
import type { DynamoDocument } from "../dynamodb.ts";
import type { MemcachedClient } from "../memcached.ts";
import type { MongoCollection } from "../mongodb.ts";
import type { UpstashClient } from "../redis.ts";
import type { LibsqlClientHandle } from "../sql.ts";

export async function pgPool() {
  try {
    return (await import("pg")).default.Pool;
  } catch (cause) {
    throw notInstalled("pg", cause);
  }
}

export async function mysqlPool() {
  try {
    return (await import("mysql2/promise")).createPool;
  } catch (cause) {
    throw notInstalled("mysql2", cause);
  }
}

export async function nodeRedis() {
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw notInstalled("@redis/client", cause);
  }
}

export async function upstashRedis(): Promise<new (options: object) => UpstashClient> {
  try {
    // @ts-expect-error -- an optional peer, not installed here
    return (await import("@upstash/redis")).Redis;
  } catch (cause) {
    throw notInstalled("@upstash/redis", cause);
  }
}

export type LibsqlClient = LibsqlClientHandle & { close(): void };

export async function libsqlClient(): Promise<{ createClient(options: object): LibsqlClient }> {
  try {
    // @ts-expect-error -- an optional peer, not installed here
    return await import("@libsql/client");
  } catch (cause) {
    throw notInstalled("@libsql/client", cause);
  }
}

export type DynamoClient = DynamoDocument & { destroy(): void };

interface DynamoClasses {
  readonly DynamoDBClient: new (options: object) => object;
  readonly DynamoDBDocument: { from(client: object): DynamoClient };
}

export async function dynamoDB(): Promise<DynamoClasses> {
  try {
    // @ts-expect-error -- an optional peer, not installed here
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    // @ts-expect-error -- the same
    const { DynamoDBDocument } = await import("@aws-sdk/lib-dynamodb");
    return { DynamoDBClient, DynamoDBDocument };
  } catch (cause) {
    throw notInstalled("@aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb", cause);
  }
}

export type Memcached = MemcachedClient & { end(): void };

export async function memcachedClient(): Promise<new (server: string, options: object) => Memcached> {
  try {
    // @ts-expect-error -- an optional peer, not installed here
    return (await import("memcached")).default;
  } catch (cause) {
    throw notInstalled("memcached", cause);
  }
}

export interface MongoClient {
  db(): { collection(name: string): MongoCollection };
  close(): Promise<void>;
}

export async function mongoClient(): Promise<new (url: string, options: object) => MongoClient> {
  try {
    // @ts-expect-error -- an optional peer, not installed here
    return (await import("mongodb")).MongoClient;
  } catch (cause) {
    throw notInstalled("mongodb", cause);
  }
}

function notInstalled(packages: string, cause: unknown): ConfigError {
  return new ConfigError(
    `This store needs the package "${packages.replace(" ", '" and "')}", which is not installed: npm install ${packages}`,
    { cause },
  );
}
