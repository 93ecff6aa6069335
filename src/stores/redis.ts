import { checkOptions } from "../check-options.ts";
import { addressOf } from "./parts/address.ts";
import type { Store } from "./parts/store.ts";
import type { RedisClient } from "./redis/clients.ts";
import { redisCommands, RedisStore } from "./redis/store.ts";

export type {
  BunRedisClient,
  IoRedisClient,
  NodeRedisClient,
  NodeRedisSet,
  RedisClient,
  UpstashClient,
} from "./redis/clients.ts";

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Prefix of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
}

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
