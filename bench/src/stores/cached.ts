import { redisStore } from "../../../dist/stores/redis.js";
import { median } from "../figures.ts";
import { IDLE, newCommit, textOf } from "./data.ts";
import { keyPrefix, openCachingRedis, openRedis, type Space } from "./engines.ts";
import { costOf } from "./in-flight.ts";

/** Reads of a store over a client with `clientSideCache`. */
export interface Cached {
  /** A read of a record that is in the cache, of a `GET` over the network, one at a time. */
  readonly ratio: number;
  /** Microseconds of either. */
  readonly read: number;
  readonly get: number;
  /** Milliseconds until a reader sees what another client has written, or removed: median and longest. */
  readonly write: Delay;
  readonly removal: Delay;
}

interface Delay {
  readonly median: number;
  readonly longest: number;
}

/** A record that a reader keeps in its cache, and another process's client that changes it. */
export async function cachedReads(space: Space, rounds: number, milliseconds: number): Promise<Cached> {
  const options = { prefix: `${keyPrefix(space)}cached:` };
  const [caching, plain] = [await openCachingRedis(), await openRedis()];
  const [reader, writer] = [redisStore(caching, options), redisStore(plain, options)];
  const record = { text: textOf(300), lifetime: IDLE };
  await writer.insert("one", { ...record, commit: newCommit() });

  const readings = { read: [] as number[], get: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const read = (await costOf(() => reader.read("one"), milliseconds, 1)).wall;
    const get = (await costOf(() => plain.get(`${options.prefix}one`), milliseconds, 1)).wall;
    if (round === 0) continue;
    readings.read.push(read);
    readings.get.push(get);
  }

  const delays = { write: [] as number[], removal: [] as number[] };
  for (let round = 0; round < rounds * 20; round++) {
    const key = newCommit();
    const [first, second] = [newCommit(), newCommit()];
    await writer.insert(key, { ...record, commit: first });
    await reader.read(key);
    await writer.replace(key, first, { ...record, commit: second });
    delays.write.push(await until(async () => (await reader.read(key))?.commit === second));
    await writer.remove(key);
    delays.removal.push(await until(async () => (await reader.read(key)) === undefined));
  }
  caching.destroy();
  plain.destroy();
  return {
    ratio: median(readings.read.map((read, at) => read / readings.get[at]!)),
    read: median(readings.read),
    get: median(readings.get),
    write: delayOf(delays.write),
    removal: delayOf(delays.removal),
  };
}

/** Milliseconds from the writer's answer on. */
async function until(isSeen: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  while (!(await isSeen())) await new Promise((resolve) => setImmediate(resolve));
  return performance.now() - start;
}

function delayOf(times: readonly number[]): Delay {
  return { median: median([...times]), longest: Math.max(...times) };
}
