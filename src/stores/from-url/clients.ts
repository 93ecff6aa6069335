import { ConfigError } from "../../errors.ts";
import type { DynamoDocument } from "../dynamodb.ts";
import type { MemcachedClient } from "../memcached.ts";
import type { MongoCollection } from "../mongodb.ts";
import { storeError } from "../parts/attempts.ts";
import type { Store } from "../parts/store.ts";
import type { UpstashClient } from "../redis.ts";
import type { LibsqlClientHandle } from "../sql.ts";

/**
 * A store whose client was opened for it, once the engine has answered.
 *
 * @param begin what the engine is asked first: to connect, to create its table, or for a record
 * @param close ends the client, also where the engine does not answer
 * @throws StoreError if it does not
 */
export async function opened(
  store: Store,
  begin: () => Promise<unknown>,
  close: () => Promise<unknown> | unknown,
): Promise<Store> {
  try {
    await begin();
  } catch (error) {
    await close();
    throw storeError(store.name, "connect", error);
  }
  return Object.assign(store, {
    async close() {
      await close();
    },
  });
}

/** A key that no record has: who asks for it learns whether the engine answers. */
export const NO_KEY = "hipflask";

/** For clients that end the process when a lost connection has no listener; meanwhile every step rejects. */
export function ignore(): void {}

// Each import below is awaited in a `try` of its own: bundlers take only such an import for one that may fail.

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
