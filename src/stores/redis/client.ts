import { hash } from "node:crypto";
import { ConfigError } from "../../errors.ts";

/**
 * What we call of a client of `@redis/client` (or `redis`), version 5 or later: standalone, pool, Sentinel or Cluster, also one
 * with `clientSideCache` or with a type mapping.
 */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>;
  getRange(key: string, start: number, end: number): Promise<unknown>;
  set(key: string, value: string, options: NodeRedisSet): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** Options of `SET` as `@redis/client` takes them. */
export interface NodeRedisSet {
  readonly condition: "NX";
  readonly expiration: { readonly type: "PX"; readonly value: number };
}

/** What we call of an `ioredis` client, version 5 or later: `Redis` (also with Sentinels) or `Cluster`, with or without `keyPrefix`. */
export interface IoRedisClient {
  get(key: string): Promise<unknown>;
  getrange(key: string, start: number, end: number): Promise<unknown>;
  set(key: string, value: string, px: "PX", milliseconds: number, nx: "NX"): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalsha(sha: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The two ways in which Redis clients are called, as one. Answers are as the client gives them. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  getRange(key: string, bytes: number): Promise<unknown>;
  setIfAbsent(key: string, value: string, milliseconds: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
  /** Runs a script on the server that holds `key`. */
  run(script: RedisScript, key: string, values: string[]): Promise<unknown>;
}

/** A script and the name under which Redis remembers it. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

export function script(source: string): RedisScript {
  return { source, sha: hash("sha1", source, "hex") };
}

/** @throws ConfigError for anything that is neither kind of client, and for a client that reads from replicas. */
export function redisCommands(client: NodeRedisClient | IoRedisClient): RedisCommands {
  if (readsReplicas(client)) {
    throw new ConfigError(
      "This client of Redis reads from replicas, where a session may be missing that was stored a moment ago; pass redisStore a client without useReplicas, replicaPoolSize or scaleReads.",
    );
  }
  if (isObject(client) && "evalSha" in client) return nodeRedis(client);
  if (isObject(client) && "evalsha" in client) return ioRedis(client);
  throw new ConfigError("redisStore takes a connected client of @redis/client (redis) or ioredis.");
}

function nodeRedis(client: NodeRedisClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    getRange: (key, bytes) => client.getRange(key, 0, bytes - 1),
    setIfAbsent: (key, value, milliseconds) =>
      client.set(key, value, { condition: "NX", expiration: { type: "PX", value: milliseconds } }),
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

/** A server that was restarted, or became master, does not know the script yet: EVAL runs it and teaches it. */
export function loaded(bySha: Promise<unknown>, bySource: () => Promise<unknown>): Promise<unknown> {
  return bySha.catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return bySource();
    throw error;
  });
}

/** As far as a client tells: a Sentinel client of `@redis/client` does not. */
function readsReplicas(client: unknown): boolean {
  const { options, _options } = Object(client) as {
    options?: { scaleReads?: unknown; role?: unknown };
    _options?: { useReplicas?: unknown };
  };
  const { scaleReads = "master", role = "master" } = options ?? {};
  return scaleReads !== "master" || role !== "master" || _options?.useReplicas === true;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
