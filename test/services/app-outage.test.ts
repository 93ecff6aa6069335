import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { session, SessionManager } from "../../src/index.ts";
import { storeFromUrl } from "../../src/stores/from-url.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { command, hasRedisServer, redisServer, untilTrue } from "./redis-server.ts";
import "./service.ts";
import {
  hasMariadbServer,
  hasPostgresServer,
  mariadbServer,
  postgresServer,
  type SqlServer,
} from "./sql-servers.ts";

/** An engine that this test may stop. */
interface Engine {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Makes it refuse every write, and take them again. */
  refuseWrites(): Promise<unknown>;
  takeWrites(): Promise<unknown>;
  /** What still works meanwhile. */
  readonly endsSessions: boolean;
  remove(): Promise<unknown>;
}

const engines: Array<[name: string, isThere: boolean, open: () => Promise<Engine>]> = [
  [
    "Redis, its memory full",
    hasRedisServer,
    async () => {
      // Every acknowledged write is on the disk, so that what is lost can be told.
      const server = await redisServer("--appendonly", "yes", "--appendfsync", "always");
      const limit = (bytes: number) => command(server.port, "CONFIG", "SET", "maxmemory", bytes);
      return {
        url: `redis://127.0.0.1:${server.port}`,
        start: () => server.start(),
        kill: () => server.kill(),
        refuseWrites: () => limit(1),
        takeWrites: () => limit(0),
        endsSessions: true,
        remove: () => server.remove(),
      };
    },
  ],
  [
    "PostgreSQL, made read-only",
    hasPostgresServer,
    async () => {
      const server = await postgresServer();
      const readOnly = async (mode: "on" | "off") => {
        await server.run(`ALTER SYSTEM SET default_transaction_read_only = ${mode}`);
        await server.run("SELECT pg_reload_conf()");
        // The server has signalled its open connections before a new one sees the setting.
        await untilTrue(async () =>
          JSON.stringify(await server.run("SHOW default_transaction_read_only")).includes(`"${mode}"`),
        );
      };
      return engineOf(
        server,
        () => readOnly("on"),
        () => readOnly("off"),
      );
    },
  ],
  [
    "MariaDB, its table read-only",
    hasMariadbServer,
    async () => {
      const server = await mariadbServer();
      await server.run("CREATE DATABASE app");
      const [insert, update, remove] = ["INSERT", "UPDATE", "DELETE"].map(
        (verb) =>
          `CREATE TRIGGER app.no_${verb} BEFORE ${verb} ON app.hipflask_sessions FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'read-only'`,
      );
      return {
        ...engineOf(
          server,
          async () => {
            for (const trigger of [insert!, update!, remove!]) await server.run(trigger);
          },
          async () => {
            for (const verb of ["INSERT", "UPDATE", "DELETE"])
              await server.run(`DROP TRIGGER app.no_${verb}`);
          },
        ),
        url: server.url.replace(/mysql$/, "app"),
      };
    },
  ],
];

function engineOf(
  server: SqlServer,
  refuseWrites: Engine["refuseWrites"],
  takeWrites: Engine["takeWrites"],
): Engine {
  const { url, start, kill, remove } = server;
  return { url, start, kill, remove, refuseWrites, takeWrites, endsSessions: false };
}

function view(path: string): string {
  const [, action, key = ""] = path.split("/");
  if (action === "set") session[key] = true;
  if (action === "count") session.transact("count", (n) => (n ?? 0) + 1);
  if (action === "logout") session.destroy();
  return JSON.stringify(session);
}

describe.each(engines)("an app whose store fails: %s", (name, isThere, open) => {
  const note = isThere ? "" : ` (skipped: ${name.split(",")[0]} cannot be started here)`;
  let engine: Engine;
  let manager: SessionManager;
  let server: Listening;
  const isSkipped = !isThere && !process.env.CI;

  beforeAll(async () => {
    if (isSkipped) return;
    engine = await open();
    const store = await storeFromUrl(engine.url);
    manager = new SessionManager({ secretKey: "s", store, storeOptions: { storeTimeout: 1, sweepEvery: 0 } });
    const handler = sessions(manager, { onError: () => {} });
    server = await listen(
      createServer(
        handler((req, res) => {
          const text = view(req.url!);
          res.writeHead(req.url === "/set/redirected" ? 302 : 200, { Location: "/" }).end(text);
        }),
      ),
    );
  }, 120_000);

  afterAll(async () => {
    await server?.close();
    // A client that looks for its engine for ever would keep this waiting.
    await Promise.race([manager?.close().catch(() => {}), sleep(1000)]);
    await engine?.remove();
  });

  async function get(path: string, cookie: string) {
    const began = performance.now();
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: { cookie },
      redirect: "manual",
    });
    const body = await response.text();
    const cookies = response.headers.getSetCookie();
    return {
      status: response.status,
      location: response.headers.get("location"),
      body,
      cookies,
      took: performance.now() - began,
    };
  }

  async function visitor(): Promise<string> {
    const { cookies } = await get("/set/first", "");
    return cookies[0]!.split(";")[0]!;
  }

  const expectUnavailable = (answer: Awaited<ReturnType<typeof get>>) => {
    expect(answer).toMatchObject({ status: 503, cookies: [], location: null, body: "Service Unavailable\n" });
    expect(answer.took).toBeLessThan(4000);
  };

  it.skipIf(isSkipped)(
    `responds with 503 while its engine is down, and afterwards has all logins and acknowledged writes, without a restart${note}`,
    async () => {
      const cookie = await visitor();
      const acknowledged: string[] = [];
      let counted = 0;
      const over = new AbortController();
      let failures = 0;
      const writer = async (at: number) => {
        for (let n = 0; !over.signal.aborted; n++) {
          const key = `k${at}_${n}`;
          const answer = await get(n % 3 === 2 ? "/count" : `/set/${key}`, cookie);
          if (answer.status === 200 && n % 3 === 2) counted++;
          else if (answer.status === 200) acknowledged.push(key);
          else {
            expectUnavailable(answer);
            failures++;
            await sleep(50);
          }
        }
      };
      const writers = Array.from({ length: 4 }, (_, at) => writer(at));
      await untilTrue(async () => acknowledged.length > 40);
      await engine.kill();
      const before = failures;
      await untilTrue(async () => failures > before + 8);
      for (const path of ["/", "/set/a", "/set/redirected", "/count", "/logout"])
        expectUnavailable(await get(path, cookie));
      expectUnavailable(await get("/set/a", ""));
      expect((await get("/", "")).status).toBe(200);
      const during = acknowledged.length;
      await engine.start();
      await untilTrue(async () => acknowledged.length > during + 20);
      over.abort();
      await Promise.all(writers);
      const kept = JSON.parse((await get("/", cookie)).body) as Record<string, unknown>;
      expect(Object.keys(kept)).toEqual(expect.arrayContaining(["first", ...acknowledged]));
      // Each was counted once, and one whose answer was lost may have been.
      expect(kept["count"]).toBeGreaterThanOrEqual(counted);
      expect(kept["count"]).toBeLessThanOrEqual(counted + failures);
    },
    120_000,
  );

  it.skipIf(isSkipped)(
    `responds to writes with 503 and to reads with 200 while the engine is read-only${note}`,
    async () => {
      const [cookie, other] = [await visitor(), await visitor()];
      await engine.refuseWrites();
      for (const path of ["/set/a", "/set/redirected", "/count"]) expectUnavailable(await get(path, cookie));
      expectUnavailable(await get("/set/a", ""));
      expect(await get("/", cookie)).toMatchObject({ status: 200, body: '{"first":true}' });
      const logout = await get("/logout", other);
      expect([logout.status, logout.cookies.length]).toEqual(engine.endsSessions ? [200, 1] : [503, 0]);
      await engine.takeWrites();
      await untilTrue(async () => (await get("/set/b", cookie)).status === 200);
      const kept = await get("/", cookie);
      expect([kept.status, JSON.parse(kept.body)]).toEqual([200, { first: true, b: true }]);
      if (!engine.endsSessions) await get("/logout", other);
      expect((await get("/", other)).body).toBe("{}");
    },
    60_000,
  );
});
