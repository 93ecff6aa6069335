import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { hasRedisServer, redisServer, untilTrue } from "./redis-server.ts";
import { fullScale } from "./service.ts";
import { hasMariadbServer, hasPostgresServer, mariadbServer, postgresServer } from "./sql-servers.ts";

const script = fileURLToPath(new URL("crash-app.ts", import.meta.url));
const tsx = import.meta.resolve("tsx");
const ROUNDS = Math.max(2, Math.ceil(10 * fullScale));

interface Opened {
  readonly url: string;
  remove(): Promise<unknown> | void;
}

const engines: Array<[name: string, isThere: boolean, open: () => Promise<Opened>]> = [
  [
    "SQLite",
    true,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "hipflask-crash-"));
      return {
        url: `sqlite:${join(folder, "sessions.db")}`,
        remove: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  ],
  [
    "Redis",
    hasRedisServer,
    async () => {
      const server = await redisServer();
      return { url: `redis://127.0.0.1:${server.port}`, remove: () => server.remove() };
    },
  ],
  ["PostgreSQL", hasPostgresServer, postgresServer],
  ["MariaDB", hasMariadbServer, mariadbServer],
];

describe.each(engines)("an app that is killed while it writes to %s", (name, isThere, open) => {
  const isSkipped = !isThere && !process.env.CI;
  const note = isThere ? "" : ` (skipped: ${name} cannot be started here)`;
  let engine: Opened | undefined;
  let app: ChildProcess | undefined;
  afterAll(async () => {
    app?.kill("SIGKILL");
    await engine?.remove();
  });

  /** Starts the app, and gives its requests. */
  async function start(url: string) {
    app = spawn(process.execPath, ["--import", tsx, script, url], { stdio: ["ignore", "pipe", "inherit"] });
    const [port] = (await once(createInterface(app.stdout!), "line")) as [string];
    return async (path: string, cookie = "") => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
      const [line = ""] = response.headers.getSetCookie();
      return { cookie: line.split(";")[0]!, seen: (await response.json()) as Record<string, unknown> };
    };
  }

  it.skipIf(isSkipped)(
    `has lost nothing that it acknowledged, and left no half of a write, when it is back${note}`,
    async () => {
      engine = await open();
      for (let round = 0; round < ROUNDS; round++) {
        const request = await start(engine.url);
        const { cookie } = await request("/write/0");
        let [written, counted, sent] = [0, 0, 0];
        const ended: string[] = [];
        const dead = new AbortController();
        const until = async (act: () => Promise<unknown>) => {
          while (!dead.signal.aborted) {
            const isAnswered = await act().then(
              () => true,
              () => false,
            );
            if (!isAnswered) return;
          }
        };
        // Of one session a single writer, so that what it must hold is known.
        const writing = until(async () => void (await request(`/write/${written + 1}`, cookie), written++));
        const counting = until(async () => void (sent++, await request("/count", cookie), counted++));
        const ending = until(async () => {
          const other = await request("/write/1");
          await request("/logout", other.cookie);
          ended.push(other.cookie);
        });
        await untilTrue(async () => written > 10 && counted > 3 && ended.length > 0);
        await sleep(20 * (round % 5));
        app!.kill("SIGKILL");
        await once(app!, "exit");
        dead.abort();
        await Promise.all([writing, counting, ending]);

        const again = await start(engine.url);
        const { seen } = await again("/", cookie);
        expect([seen["b"], seen["c"]]).toEqual([seen["a"], seen["a"]]);
        // The last one may have been written, and its answer lost.
        expect([written, written + 1]).toContain(Number(seen["a"]));
        expect(seen["count"]).toBeGreaterThanOrEqual(counted);
        expect(seen["count"]).toBeLessThanOrEqual(sent);
        for (const gone of ended.slice(-20)) expect((await again("/", gone)).seen).toEqual({});
        app!.kill("SIGKILL");
        await once(app!, "exit");
      }
    },
    180_000,
  );
});
