// Runs the contract of stores on two clients of Redis of Bun, in Bun, under the prefix that is named.
import { redisStore, type BunRedisClient } from "../../src/stores/redis.ts";
import { printContract } from "./printed-contract.ts";

type Client = BunRedisClient & { close(): void };
declare const Bun: { RedisClient: new (url: string) => Client };

const [url, prefix] = process.argv.slice(2) as [string, string];
const [first, second] = [new Bun.RedisClient(url), new Bun.RedisClient(url)];
await printContract(
  () => ({ store: redisStore(first, { prefix }), another: redisStore(second, { prefix }) }),
  { scale: 0.01, movesTime: false },
);
const keys = (await first.send("KEYS", [`${prefix}*`])) as string[];
if (keys.length > 0) await first.send("DEL", keys);
first.close();
second.close();
