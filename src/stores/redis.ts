import { checkOptions } from "../check-options.ts";
import type { StoreError } from "../errors.ts";
import { addressOf } from "./parts/address.ts";
import { redisCommands, script, type RedisClient, type RedisCommands } from "./redis/client.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { unexpectedAnswer } from "./parts/attempts.ts";
import { COMMIT, millisecondsOf, OK, conditionFailed, storedOf, textOf } from "./parts/values.ts";

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
  /** Begins the name of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
}

/** ARGV expected commit, value, milliseconds. 1 done, nil gone, or the value that is there. Numbers are texts, which spares Lua their making. */
const REPLACE = script(`local key, call = KEYS[1], redis.call
if call('GETRANGE', key, '0', '15') == ARGV[1] then
call('SET', key, ARGV[2], 'PX', ARGV[3])
return 1
end
return call('GET', key)`);

/** ARGV expected commit. */
const REMOVE = script(`local key, call = KEYS[1], redis.call
if call('GETRANGE', key, '0', '15') == ARGV[1] then
return call('DEL', key)
end
return call('GET', key)`);

const NOW = script("return redis.call('TIME')");

/** A character takes up to this many bytes of UTF-8 for each unit of its length. */
const BYTES_PER_UNIT = 3;
/** Keys that are read at once. */
const BATCH = 500;

/**
 * Sessions in Redis 6.2 or later, Valkey, or a cluster of either. Takes a connected client of `@redis/client` or
 * `ioredis`, Bun's own, or one of `@upstash/redis`, which speaks HTTP; it stays yours to close.
 *
 * A record is one string, `hipflask:{key}`, of the commit id and the text, which expires by itself by Redis' own clock. A read
 * is a plain `GET`, so a client with `clientSideCache` answers it from its cache; a replace is a script of two commands on
 * that one key. `noeviction` is the safe policy: under any other, Redis may log people out when memory is short. Read from the
 * master: a replica may not have yet what was written a moment ago.
 *
 * @throws ConfigError for an option that is unknown or cannot be meant
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
    const answer = await this.#commands.setIfAbsent(name, commit + text, millisecondsOf(lifetime));
    const said = this.#text("insert", answer);
    if (said === null || said === "OK") return said !== null;
    throw this.#unknown("insert");
  }

  async replace(key: string, expected: string, { text, commit, lifetime }: Write): Promise<Replaced> {
    const values = [expected, commit + text, String(millisecondsOf(lifetime))];
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

  /** Reads the beginnings of values side by side: keys of a cluster are on many servers, and clients send them as one pipeline. */
  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    const bytes = COMMIT + length * BYTES_PER_UNIT;
    for (let from = 0; from < keys.length; from += BATCH) {
      const reads = keys.slice(from, from + BATCH).map(async (key) => {
        const text = this.#text("readMany", await this.#commands.getRange(this.#prefix + key, bytes));
        // The range of a key that is not there is empty.
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

  /** What a client makes of an answer depends on its settings: numbers may come as text, texts as bytes. */
  #text(verb: string, answer: unknown): string | null {
    if (answer === null) return null;
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
