import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createClient } from "redis";
import { redisStore } from "../../../dist/stores/redis.js";
import { median } from "../figures.ts";
import { bareRedis } from "./bare-verbs.ts";
import { STORED_SIZES, type StoredSize } from "./data.ts";
import type { NodeRedis } from "./engines.ts";
import { IN_FLIGHT } from "./in-flight.ts";
import { ours, requestsTo } from "./requests.ts";

/** What a counting request costs Redis, as a multiple of a bare `GET` and `SET`: it is what a site runs out of first. */
export interface RedisTime {
  readonly size: StoredSize;
  readonly ratio: number;
  /** Microseconds. */
  readonly bare: number;
  readonly ours: number;
}

/** Reads the processor time of the main thread of a Redis that does nothing else. */
export async function redisTime(rounds: number, calls: number): Promise<RedisTime[]> {
  const port = await freePort();
  const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", ["--port", String(port), ...options], { stdio: "ignore" });
  await once(server, "spawn");
  try {
    const url = `redis://127.0.0.1:${port}`;
    const [client, probe] = await Promise.all([connected(url), connected(url)]);
    const requests = ours(redisStore(client));
    const answers: RedisTime[] = [];
    for (const size of STORED_SIZES) {
      const bare = await bareRedis(client, "", size);
      const count = await requestsTo(requests, "count", size);
      const both = async () => {
        await bare.load();
        await bare.save();
      };
      const readings = { bare: [] as number[], ours: [] as number[] };
      for (let round = 0; round <= rounds; round++) {
        const [theirs, own] = [await cost(probe, both, calls), await cost(probe, count, calls)];
        // The first round warms up.
        if (round === 0) continue;
        readings.bare.push(theirs);
        readings.ours.push(own);
      }
      const ratio = median(readings.ours.map((own, at) => own / readings.bare[at]!));
      answers.push({ size, ratio, bare: median(readings.bare), ours: median(readings.ours) });
    }
    client.destroy();
    probe.destroy();
    return answers;
  } finally {
    server.kill();
  }
}

/** Microseconds of Redis' main thread per call. */
async function cost(probe: NodeRedis, call: () => Promise<unknown>, calls: number): Promise<number> {
  const before = await mainThread(probe);
  let left = calls;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (1e6 * ((await mainThread(probe)) - before)) / calls;
}

/** Seconds. */
async function mainThread(probe: NodeRedis): Promise<number> {
  const info = await probe.info("cpu");
  const seconds = Array.from(
    info.matchAll(/^used_cpu_(?:sys|user)_main_thread:([\d.]+)/gm),
    ([, value]) => value,
  );
  return seconds.reduce((sum, value) => sum + Number(value), 0);
}

async function connected(url: string): Promise<NodeRedis> {
  const client = createClient({ url, socket: { reconnectStrategy: (tried) => (tried < 50 ? 100 : false) } });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
