import { hash } from "node:crypto";
import { ConfigError, type StoreError } from "../../errors.ts";
import { has, isLookalike, refusal } from "../parts/clients.ts";
import { unexpectedAnswer } from "../parts/driver-errors.ts";
import type { Replaced, Store, Stored, Write } from "../parts/store.ts";
import { COMMIT, OK, conditionFailed, textOf } from "../parts/values.ts";
import {
  openClient,
  readsReplicas,
  type BunRedisClient,
  type IoRedisClient,
  type NodeRedisClient,
  type RedisClient,
  type UpstashClient,
} from "./clients.ts";

/** A script and its SHA-1, under which Redis caches it. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

export function script(source: string): RedisScript {
  return { source, sha: hash("sha1", source, "hex") };
}

/**
 * ARGV: expected commit, value, milliseconds. Returns 1 (done), nil (gone), or the stored value. The numbers are
 * strings so that Lua need not convert them.
 */
const REPLACE = script(`local key, call = KEYS[1], redis.call
if call('GETRANGE', key, '0', '15') == ARGV[1] then
call('SET', key, ARGV[2], 'PX', ARGV[3])
return 1
end
return call('GET', key)`);

/** ARGV: expected commit. */
const REMOVE = script(`local key, call = KEYS[1], redis.call
if call('GETRANGE', key, '0', '15') == ARGV[1] then
return call('DEL', key)
end
return call('GET', key)`);

const NOW = script("return redis.call('TIME')");

/** A UTF-16 code unit is at most this many bytes of UTF-8. */
const BYTES_PER_UNIT = 3;
/** Keys that are read in parallel. */
const BATCH = 500;

/** `redisStore` over the commands of a client. */
export class RedisStore implements Store {
  readonly name: string;
  readonly atomic = true;
  readonly #commands: RedisCommands;
  readonly #prefix: string;

  constructor(name: string, commands: RedisCommands, prefix: string) {
    this.name = name;
    this.#commands = commands;
    this.#prefix = prefix;
  }

  async read(key: string): Promise<Stored | undefined> {
    const value = this.#text("read", await this.#commands.get(this.#prefix + key));
    return value === null ? undefined : storedOf(value);
  }

  async insert(key: string, { text, commit, lifetime }: Write): Promise<boolean> {
    const name = this.#prefix + key;
    const answer = await this.#commands.setIfAbsent(name, commit + text, Math.ceil(lifetime * 1000));
    const said = this.#text("insert", answer);
    if (said === null || said === "OK") return said !== null;
    throw this.#unknown("insert");
  }

  async replace(key: string, expected: string, { text, commit, lifetime }: Write): Promise<Replaced> {
    const values = [expected, commit + text, String(Math.ceil(lifetime * 1000))];
    return this.#replaced("replace", await this.#commands.run(REPLACE, this.#prefix + key, values));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const name = this.#prefix + key;
    const answer =
      expected === undefined
        ? await this.#commands.del(name)
        : await this.#commands.run(REMOVE, name, [expected]);
    return this.#replaced("remove", answer);
  }

  /**
   * Reads the beginnings of values in parallel, which clients pipeline; no single command can, since a cluster
   * spreads keys over servers.
   */
  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    const bytes = COMMIT + length * BYTES_PER_UNIT;
    for (let from = 0; from < keys.length; from += BATCH) {
      const reads = keys.slice(from, from + BATCH).map(async (key) => {
        const text = this.#text("readMany", await this.#commands.getRange(this.#prefix + key, bytes));
        // GETRANGE of a missing key returns an empty string.
        if (text !== null && text !== "") found.set(key, storedOf(text.slice(0, COMMIT + length)));
      });
      await Promise.all(reads);
    }
    return found;
  }

  async now(): Promise<number> {
    const answer = await this.#commands.run(NOW, `${this.#prefix}clock`, []);
    const [seconds, microseconds] = Array.isArray(answer) ? answer.map(Number) : [];
    const now = seconds! * 1000 + Math.floor(microseconds! / 1000);
    if (Number.isFinite(now)) return now;
    throw this.#unknown("now");
  }

  #replaced(verb: string, answer: unknown): Replaced {
    const text = this.#text(verb, answer);
    if (text === "1") return OK;
    return conditionFailed(text === null || text === "0" ? undefined : storedOf(text));
  }

  /** Depending on its settings, a client returns numbers as strings, and strings as bytes. */
  #text(verb: string, answer: unknown): string | null {
    if (answer === null || typeof answer === "string") return answer;
    if (typeof answer === "number" || typeof answer === "bigint") return String(answer);
    const text = textOf(answer);
    if (text === undefined) throw this.#unknown(verb);
    return text;
  }

  #unknown(verb: string): StoreError {
    const advice = "pass the client of @redis/client or ioredis itself, not in a pipeline or transaction";
    return unexpectedAnswer(this.name, verb, advice);
  }
}

/**
 * Splits a value into commit id and text. A value that is too short was not written by a store, and its text cannot
 * be decoded.
 */
function storedOf(value: string): Stored {
  return { text: value.slice(COMMIT), commit: value.slice(0, COMMIT) };
}

/** One interface to all clients of Redis. Replies are as the client returns them. */
interface RedisCommands {
  get(key: string): Promise<unknown>;
  getRange(key: string, bytes: number): Promise<unknown>;
  setIfAbsent(key: string, value: string, milliseconds: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
  /** Runs a script on the server that holds `key`. */
  run(script: RedisScript, key: string, values: string[]): Promise<unknown>;
}

const TAKEN = "a connected client of @redis/client (redis), ioredis or @upstash/redis, or Bun.redis";

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
