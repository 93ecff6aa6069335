import { has, refusal } from "../parts/clients.ts";
import { openClient } from "../redis/clients.ts";
import { loaded, type RedisScript } from "../redis/store.ts";

/**
 * The methods used of a client of `@redis/client` (or `redis`) with binary values: standalone, pool, Sentinel or
 * Cluster.
 */
export interface NodeRedisBytes {
  withTypeMapping(mapping: Record<number, unknown>): unknown;
}

/** The methods used of an `ioredis` client with binary values: `Redis` (also with Sentinels) or `Cluster`. */
export interface IoRedisBytes {
  callBuffer(command: string, ...values: Array<string | Buffer | number>): Promise<unknown>;
}

/** Runs a script on the server that holds `key`; arguments and results are bytes. */
export type RedisBytesRunner = (
  script: RedisScript,
  key: string,
  values: Array<string | Buffer>,
) => Promise<unknown>;

/** RESP's bulk string type, `$`. */
const BLOB_STRING = 36;

interface BytesClient {
  evalSha(sha: string, options: { keys: string[]; arguments: Array<string | Buffer> }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: Array<string | Buffer> }): Promise<unknown>;
}

/** @throws ConfigError for anything else */
export function redisBytes(client: NodeRedisBytes | IoRedisBytes): RedisBytesRunner {
  if (has(client, "withTypeMapping"))
    return nodeRedis(openClient("flaskSessionRedis", client as NodeRedisBytes));
  if (has(client, "callBuffer")) return ioRedis(openClient("flaskSessionRedis", client as IoRedisBytes));
  throw refusal("flaskSessionRedis", "a connected client of @redis/client (redis) or ioredis", client);
}

function nodeRedis(client: NodeRedisBytes): RedisBytesRunner {
  const bytes = client.withTypeMapping({ [BLOB_STRING]: Buffer }) as BytesClient;
  return ({ sha, source }, key, values) => {
    const options = { keys: [key], arguments: values };
    return loaded(bytes.evalSha(sha, options), () => bytes.eval(source, options));
  };
}

function ioRedis(client: IoRedisBytes): RedisBytesRunner {
  return ({ sha, source }, key, values) =>
    loaded(client.callBuffer("evalsha", sha, 1, key, ...values), () =>
      client.callBuffer("eval", source, 1, key, ...values),
    );
}
