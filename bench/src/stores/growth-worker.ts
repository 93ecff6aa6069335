/** Usage: node --expose-gc growth-worker.js <subject> <space as JSON>; answers a line `{"most":…}` with a line of JSON. */
import { createInterface } from "node:readline";
import { growInMemcached, growInPglite } from "./borrowed.ts";
import { growInMemory, growOfExpress } from "./growth-memory.ts";
import { growInRedis } from "./growth-redis.ts";
import { growInMysql, growInPostgres, growInSqlite } from "./growth-sql.ts";
import type { Growth, GrowthSubject } from "./growth.ts";
import type { Space } from "./engines.ts";

type Grow = (most: number, space: Space) => Promise<Omit<Growth, "subject">>;

const GROW: Readonly<Record<GrowthSubject, Grow>> = {
  memory: growInMemory,
  "express-session": growOfExpress,
  sqlite: growInSqlite,
  redis: growInRedis,
  postgres: growInPostgres,
  mariadb: growInMysql,
  pglite: growInPglite,
  memcached: growInMemcached,
};

const space = JSON.parse(process.argv[3]!) as Space;
const lines = createInterface({ input: process.stdin });
// Also if the parent has ended, in the middle of the work.
lines.once("close", () => process.exit());
for await (const line of lines) {
  const { most } = JSON.parse(line) as { most: number };
  const answer = await GROW[process.argv[2] as GrowthSubject](most, space).catch((error: unknown) => ({
    error: String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
