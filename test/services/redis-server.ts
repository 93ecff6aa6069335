import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

/** A Redis of the test's own, on a free port and in a folder of its own. */
export interface RedisServer {
  readonly port: number;
  /** Starts it (again). What it held is gone, as with any Redis that keeps nothing on disk. */
  start(): Promise<void>;
  /** Ends it as a power failure would. */
  kill(): Promise<void>;
  /** Stops it as it stands, without a word to anybody, and lets it go on. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

/** Whether this machine can start one. */
export const hasRedisServer = spawnSync("redis-server", ["--version"]).status === 0;

export async function redisServer(...options: string[]): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "hipflask-redis-"));
  let running: ChildProcess | undefined;
  const server: RedisServer = {
    port,
    async start() {
      // KEYS blocks the server while it scans all keys, so code that uses it fails here.
      const fixed = [
        "--rename-command",
        "KEYS",
        "",
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        folder,
      ];
      running = spawn("redis-server", ["--port", String(port), ...fixed, ...options], { stdio: "ignore" });
      await untilTrue(async () => (await command(port, "PING")) === "PONG");
    },
    async kill() {
      const ended = running && running.exitCode === null ? once(running, "exit") : undefined;
      running?.kill("SIGKILL");
      await ended;
      running = undefined;
    },
    pause: () => void running?.kill("SIGSTOP"),
    resume: () => void running?.kill("SIGCONT"),
    async remove() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** One command on a connection of its own; `undefined` if there is no answer. */
export async function command(
  port: number,
  name: string,
  ...values: Array<string | number>
): Promise<unknown> {
  const client = new Redis({ port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  try {
    await client.connect();
    return await client.call(name, ...values.map(String));
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

/** Polls until `probe` holds; a program that never gets there fails the test by its time limit. */
export async function untilTrue(probe: () => Promise<boolean>, seconds = 30): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`not true within ${seconds} seconds`);
    await sleep(50);
  }
}

/** A port whose cluster bus, 10000 higher, is a port too. */
async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, "close");
    if (port < 50_000) return port;
  }
}
