import { checkOptions } from "../check-options.ts";
import type { StoreError } from "../errors.ts";
import { addressOf } from "./parts/address.ts";
import { redisCommands, script, type RedisClient, type RedisCommands } from "./redis/client.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { unexpectedAnswer } from "./parts/driver-errors.ts";
import { COMMIT, OK, conditionFailed, textOf } from "./parts/values.ts";

export type {
  BunRedisClient,
  IoRedisClient,
  NodeRedisClient,
  NodeRedisSet,
  RedisClient,
  UpstashClient,
} from "./redis/client.ts";

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Prefix of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
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

/**
 * Keeps sessions in Redis 6.2 or later, Valkey, or a cluster of either. Takes a connected client of `@redis/client` or `ioredis`,
 * Bun's own, or one of `@upstash/redis`, which uses HTTP; closing it is up to you.
 *
 * A record is one string, `hipflask:{key}`, made of the commit id and the text, which Redis expires by its own clock. A read is a
 * plain `GET`, so a client with `clientSideCache` can serve it from its cache; a replace is a script of two commands on that
 * key. Set Redis' `maxmemory-policy` to `volatile-ttl`: when memory is short, it evicts the sessions of anonymous visitors
 * first, where `noeviction` would refuse logins and others would log people out. Read from the master: replication is
 * asynchronous, so a replica may not have the last write yet.
 *
 * @throws ConfigError for an unknown option or an invalid value
 * @example
 * ```ts no-run
 * import { createClient } from "@redis/client";
 * import { redisStore } from "hipflask/stores/redis";
 * const client = await createClient({ url: "redis://127.0.0.1:6379" }).connect();
 * const store = redisStore(client);
 * ```
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const commands = redisCommands(client);
  checkOptions("redisStore", options, { prefix: "string" });
  return new RedisStore(addressOf("Redis", client), commands, options.prefix ?? "hipflask:");
}

class RedisStore implements Store {
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
