import { loaded } from "../redis/client.ts";
import type { RedisScript } from "../redis/scripts.ts";

type Argument = string | Buffer;

/** What we call of a client of `@redis/client` (or `redis`) for values that are bytes: standalone, pool, Sentinel or Cluster. */
export interface NodeRedisBytes {
  withTypeMapping(mapping: Record<number, unknown>): unknown;
}

/** What we call of an `ioredis` client for values that are bytes: `Redis` (also with Sentinels) or `Cluster`. */
export interface IoRedisBytes {
  callBuffer(command: string, ...values: Array<string | Buffer | number>): Promise<unknown>;
}

/** Runs a script whose texts, in and out, are bytes. */
export type RedisBytesRunner = (script: RedisScript, keys: string[], values: Argument[]) => Promise<unknown>;

/** The type of RESP that carries bytes, `$`. */
const BLOB_STRING = 36;

interface BytesClient {
  evalSha(sha: string, options: { keys: string[]; arguments: Argument[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: Argument[] }): Promise<unknown>;
}

/** @throws TypeError for anything that is neither kind of client */
export function redisBytes(client: NodeRedisBytes | IoRedisBytes): RedisBytesRunner {
  if ("withTypeMapping" in client) {
    const bytes = client.withTypeMapping({ [BLOB_STRING]: Buffer }) as BytesClient;
    return (script, keys, values) =>
      loaded(
        () => bytes.evalSha(script.sha, { keys, arguments: values }),
        () => bytes.eval(script.source, { keys, arguments: values }),
      );
  }
  if ("callBuffer" in client) {
    return (script, keys, values) =>
      loaded(
        () => client.callBuffer("evalsha", script.sha, keys.length, ...keys, ...values),
        () => client.callBuffer("eval", script.source, keys.length, ...keys, ...values),
      );
  }
  throw new TypeError("flaskSessions takes a client of @redis/client or ioredis; this is neither.");
}
