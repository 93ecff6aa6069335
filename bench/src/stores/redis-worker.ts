/** Usage: node redis-worker.js <space as JSON>; answers a line `{"rounds":…,"calls":…,"milliseconds":…}` with a line of JSON. */
import { createInterface } from "node:readline";
import { cachedReads, type Cached } from "./cached.ts";
import type { Space } from "./engines.ts";
import { redisTime, type RedisTime } from "./redis-time.ts";

/** What is measured of Redis alone. `time` is left out where no server can be started. */
export interface RedisFigures {
  readonly time?: readonly RedisTime[] | undefined;
  readonly cached: Cached;
}

/** How long to measure. */
export interface RedisEffort {
  readonly rounds: number;
  readonly calls: number;
  readonly milliseconds: number;
}

const space = JSON.parse(process.argv[2]!) as Space;
const lines = createInterface({ input: process.stdin });
// Also when the parent is gone, in the middle of the work.
lines.once("close", () => process.exit());
for await (const line of lines) {
  const answer = await measure(JSON.parse(line) as RedisEffort).catch((error: unknown) => ({
    error: String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function measure({ rounds, calls, milliseconds }: RedisEffort): Promise<RedisFigures> {
  const cached = await cachedReads(space, rounds, milliseconds);
  const time = await redisTime(rounds, calls).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  });
  return { cached, time };
}
