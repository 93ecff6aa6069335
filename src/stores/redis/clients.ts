import { ConfigError } from "../../errors.ts";
import { closed } from "../parts/clients.ts";

/**
 * The methods used of a client of `@redis/client` (or `redis`) 4 or later: standalone, pool, Sentinel or Cluster, also with
 * `clientSideCache` or a type mapping.
 */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>;
  getRange(key: string, start: number, end: number): Promise<unknown>;
  set(key: string, value: string, options: NodeRedisSet): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** Options of `SET`: those of `redis` 5 and later, and those of `redis` 4; each ignores the others. */
export interface NodeRedisSet {
  readonly condition: "NX";
  readonly expiration: { readonly type: "PX"; readonly value: number };
  readonly NX: true;
  readonly PX: number;
}

/**
 * The methods used of an `ioredis` client, version 5 or later: `Redis` (also with Sentinels) or `Cluster`, with or
 * without `keyPrefix`.
 */
export interface IoRedisClient {
  get(key: string): Promise<unknown>;
  getrange(key: string, start: number, end: number): Promise<unknown>;
  set(key: string, value: string, px: "PX", milliseconds: number, nx: "NX"): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalsha(sha: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The methods used of a `Redis` of `@upstash/redis`, which uses HTTP. */
export interface UpstashClient {
  get(key: string): Promise<unknown>;
  getrange(key: string, start: number, end: number): Promise<unknown>;
  set(key: string, value: string, options: { px: number; nx: true }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalsha(sha: string, keys: string[], values: string[]): Promise<unknown>;
  eval(script: string, keys: string[], values: string[]): Promise<unknown>;
  createScript(script: string): unknown;
}

/** The methods used of Bun's client, `Bun.redis` or a `Bun.RedisClient`. */
export interface BunRedisClient {
  get(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  send(command: string, values: string[]): Promise<unknown>;
}

/** The clients that `redisStore` accepts. */
export type RedisClient = NodeRedisClient | IoRedisClient | UpstashClient | BunRedisClient;

/**
 * Refuses a client that was never connected or was closed. ioredis with `lazyConnect` connects at the first command; a client of
 * `@redis/client` rejects every command.
 *
 * @throws ConfigError
 */
export function openClient<Client>(who: string, client: Client): Client {
  const { isOpen, status, options } = client as {
    isOpen?: unknown;
    status?: unknown;
    options?: { legacyMode?: unknown };
  };
  if (status === "end") throw closed(who, "a client of ioredis");
  if (options?.legacyMode === true) {
    throw new ConfigError(
      `${who} got a client of redis 4 in legacyMode, which takes callbacks: make one without.`,
    );
  }
  if (isOpen !== false) return client;
  throw new ConfigError(
    `${who} got a client of @redis/client that is not connected: await client.connect() first.`,
  );
}

/**
 * Whether a client reads from replicas, as far as it can be detected. A cluster client of `redis` 4 only shows the replicas it has
 * discovered, and a Sentinel client those it is connected to, so both are checked when they are connected.
 */
export function readsReplicas(client: unknown): boolean {
  const { options, _options, shards, getReplicaNodes } = Object(client) as {
    options?: { scaleReads?: unknown; role?: unknown };
    _options?: { useReplicas?: unknown };
    shards?: { replicas?: unknown }[];
    getReplicaNodes?: () => ReadonlyMap<unknown, unknown>;
  };
  const { scaleReads = "master", role = "master" } = options ?? {};
  if (scaleReads !== "master" || role !== "master" || _options?.useReplicas === true) return true;
  if (Array.isArray(shards) && shards.some(({ replicas }) => replicas !== undefined)) return true;
  return typeof getReplicaNodes === "function" && getReplicaNodes.call(client).size > 0;
}
