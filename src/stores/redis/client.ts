import { hash } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import { closed, has, isLookalike, refusal } from "../parts/clients.ts";

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

/** The clients that {@link redisCommands} accepts. */
export type RedisClient = NodeRedisClient | IoRedisClient | UpstashClient | BunRedisClient;

/** One interface to all clients of Redis. Replies are as the client returns them. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  getRange(key: string, bytes: number): Promise<unknown>;
  setIfAbsent(key: string, value: string, milliseconds: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
  /** Runs a script on the server that holds `key`. */
  run(script: RedisScript, key: string, values: string[]): Promise<unknown>;
}

/** A script and its SHA-1, under which Redis caches it. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

export function script(source: string): RedisScript {
  return { source, sha: hash("sha1", source, "hex") };
}

/** @throws ConfigError for anything else, and for a client that reads from replicas */
export function redisCommands(client: RedisClient): RedisCommands {
  if (readsReplicas(client)) {
    throw new ConfigError(
      "This client of Redis reads from replicas, which may not have the last write yet; pass redisStore a client without useReplicas, replicaPoolSize or scaleReads.",
    );
  }
  if (isLookalike(client)) throw refusal("redisStore", TAKEN, client);
  if (has(client, "evalSha")) return nodeRedis(openClient("redisStore", client as NodeRedisClient));
  if (has(client, "createScript")) return upstash(client as UpstashClient);
  if (has(client, "evalsha")) return ioRedis(openClient("redisStore", client as IoRedisClient));
  if (has(client, "send", "del")) return bunRedis(client as BunRedisClient);
  throw refusal("redisStore", TAKEN, client);
}

const TAKEN = "a connected client of @redis/client (redis), ioredis or @upstash/redis, or Bun.redis";

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

function nodeRedis(client: NodeRedisClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    getRange: (key, bytes) => client.getRange(key, 0, bytes - 1),
    setIfAbsent: (key, value, milliseconds) =>
      client.set(key, value, {
        condition: "NX",
        expiration: { type: "PX", value: milliseconds },
        NX: true,
        PX: milliseconds,
      }),
    del: (key) => client.del(key),
    run: ({ sha, source }, key, values) => {
      const options = { keys: [key], arguments: values };
      return loaded(client.evalSha(sha, options), () => client.eval(source, options));
    },
  };
}

function ioRedis(client: IoRedisClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    getRange: (key, bytes) => client.getrange(key, 0, bytes - 1),
    setIfAbsent: (key, value, milliseconds) => client.set(key, value, "PX", milliseconds, "NX"),
    del: (key) => client.del(key),
    run: ({ sha, source }, key, values) =>
      loaded(client.evalsha(sha, 1, key, ...values), () => client.eval(source, 1, key, ...values)),
  };
}

function upstash(client: UpstashClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    getRange: (key, bytes) => client.getrange(key, 0, bytes - 1),
    setIfAbsent: (key, value, milliseconds) => client.set(key, value, { px: milliseconds, nx: true }),
    del: (key) => client.del(key),
    run: ({ sha, source }, key, values) =>
      loaded(client.evalsha(sha, [key], values), () => client.eval(source, [key], values)),
  };
}

function bunRedis(client: BunRedisClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    getRange: (key, bytes) => client.send("GETRANGE", [key, "0", String(bytes - 1)]),
    setIfAbsent: (key, value, milliseconds) =>
      client.send("SET", [key, value, "PX", String(milliseconds), "NX"]),
    del: (key) => client.del(key),
    run: ({ sha, source }, key, values) =>
      loaded(client.send("EVALSHA", [sha, "1", key, ...values]), () =>
        client.send("EVAL", [source, "1", key, ...values]),
      ),
  };
}

/** A server that was restarted or became master has not cached the script: EVAL runs and caches it. */
export function loaded(bySha: Promise<unknown>, bySource: () => Promise<unknown>): Promise<unknown> {
  return bySha.catch((error: unknown) => {
    if (error instanceof Error && error.message.includes("NOSCRIPT")) return bySource();
    throw error;
  });
}

/**
 * Whether a client reads from replicas, as far as it can be detected. A cluster client of `redis` 4 only shows the replicas it has
 * discovered, and a Sentinel client those it is connected to, so both are checked when they are connected.
 */
function readsReplicas(client: unknown): boolean {
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
