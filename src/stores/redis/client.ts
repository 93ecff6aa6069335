import type { RedisScript } from "./scripts.ts";

/** What we call of a client of `@redis/client` (or `redis`): standalone, pool, Sentinel or Cluster. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** What we call of an `ioredis` client: `Redis` (also with Sentinels) or `Cluster`. */
export interface IoRedisClient {
  evalsha(sha: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The two ways in which Redis clients speak, made one. */
export interface RedisCommands {
  /** Runs a script on the server that holds `keys`, which must all be in one slot. */
  run(script: RedisScript, keys: string[], values: string[]): Promise<unknown>;
  /** One step of a SCAN for each master. */
  scanners(): Array<(cursor: string, match: string, count: number) => Promise<ScanStep>>;
}

export interface ScanStep {
  readonly cursor: string;
  readonly keys: readonly string[];
}

/** @throws TypeError for anything that is neither kind of client. */
export function redisCommands(client: NodeRedisClient | IoRedisClient): RedisCommands {
  if ("evalSha" in client) return nodeRedis(client);
  if ("evalsha" in client) return ioRedis(client);
  throw new TypeError("redisStore takes a client of @redis/client or ioredis; this is neither.");
}

function nodeRedis(client: NodeRedisClient): RedisCommands {
  return {
    run: (script, keys, values) => {
      const options = { keys, arguments: values };
      return loaded(
        () => client.evalSha(script.sha, options),
        () => client.eval(script.source, options),
      );
    },
    scanners: () =>
      nodeRedisMasters(client).map((master) => async (cursor, match, count) => {
        const step = await (await master()).scan(cursor, { MATCH: match, COUNT: count });
        return { cursor: String(step.cursor), keys: step.keys };
      }),
  };
}

function ioRedis(client: IoRedisClient): RedisCommands {
  return {
    run: (script, keys, values) =>
      loaded(
        () => client.evalsha(script.sha, keys.length, ...keys, ...values),
        () => client.eval(script.source, keys.length, ...keys, ...values),
      ),
    scanners: () =>
      ioRedisMasters(client).map((master) => async (cursor, match, count) => {
        const [next, keys] = await master.scan(cursor, "MATCH", match, "COUNT", count);
        return { cursor: next, keys };
      }),
  };
}

/** A server that was restarted, or became master, does not know the script yet: EVAL runs it and teaches it. */
export async function loaded(
  bySha: () => Promise<unknown>,
  bySource: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await bySha();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return bySource();
    throw error;
  }
}

interface NodeRedisScan {
  scan(
    cursor: string,
    options: { MATCH: string; COUNT: number },
  ): Promise<{ cursor: string | number; keys: string[] }>;
}

function nodeRedisMasters(client: object): Array<() => Promise<NodeRedisScan>> {
  const cluster = client as {
    masters?: unknown[];
    nodeClient?(master: unknown): Promise<NodeRedisScan> | NodeRedisScan;
  };
  if (!cluster.masters || !cluster.nodeClient) return [async () => client as NodeRedisScan];
  return cluster.masters.map((master) => async () => cluster.nodeClient!(master));
}

interface IoRedisScan {
  scan(cursor: string, ...options: [...["MATCH", string], ...["COUNT", number]]): Promise<[string, string[]]>;
}

function ioRedisMasters(client: object): IoRedisScan[] {
  const cluster = client as { nodes?(role: "master"): IoRedisScan[] };
  return cluster.nodes ? cluster.nodes("master") : [client as IoRedisScan];
}
