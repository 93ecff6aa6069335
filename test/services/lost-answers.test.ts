import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { createServer } from "node:http";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { StoreError } from "../../src/errors.ts";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { listen } from "../adapters/listen.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy } from "./tcp-proxy.ts";

/** A store whose answers can be lost: what was asked is done, and the caller gets an error. */
interface Lossy {
  readonly store: Store;
  /** Loses the answer to the nth command from now, 1 being the next. */
  loseAnswer(nth: number): void;
  /** How many were lost. */
  lost(): number;
  close(): Promise<unknown>;
}

/** Commands of a request: to open its session, to commit, and what a loop may add to find out what became of a commit. */
const COMMANDS = [1, 2, 3, 4, 5];
const ROUNDS = Math.max(3, Math.ceil(6 * fullScale));

/** What visitors see of a store whose answers get lost, at every command of every kind of request. */
function settles(open: () => Promise<Lossy>): void {
  it("applies every change once, and acknowledges it, whichever answer is lost", async () => {
    const { store, loseAnswer, lost, close } = await open();
    const manager = new SessionManager({
      secretKey: "k",
      store,
      storeOptions: { sweepEvery: 0, touchEvery: 0 },
    });
    const withSession = sessions(manager);
    const server = await listen(
      createServer((req, res) =>
        withSession((_, answer) => answer.end(JSON.stringify(act(req.url!))))(req, res),
      ),
    );
    const ask = async (path: string, cookie = "", nth = 0) => {
      if (nth > 0) loseAnswer(nth);
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { cookie } });
      const [set] = answer.headers.getSetCookie();
      return { status: answer.status, cookie: set?.split(";")[0] ?? cookie, text: await answer.text() };
    };
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const nth of COMMANDS) {
        let { cookie } = await ask("/begin", "", nth);
        expect(cookie).not.toBe("");
        for (const path of ["/count", "/flash", "/rotate", "/login"]) {
          const answer = await ask(path, cookie, nth);
          expect([path, nth, answer.status]).toEqual([path, nth, 200]);
          cookie = answer.cookie;
          answered++;
        }
        for (const path of ["/count", "/count"]) await ask(path, cookie, nth);
        expect(JSON.parse((await ask("/look", cookie, nth)).text)).toEqual({ n: 3, flashes: ["one"] });
        expect(JSON.parse((await ask("/look", cookie)).text)).toEqual({ n: 3, flashes: [] });
        expect((await ask("/logout", cookie, nth)).status).toBe(200);
        expect(JSON.parse((await ask("/look", cookie)).text)).toEqual({ flashes: [] });
      }
    }
    // Every kind of request lost the answers to its own commands; those it has not, later ones lose.
    expect(lost()).toBeGreaterThan(answered / 2);
    await server.close();
    await manager.close();
    await close();
  });
}

function act(path: string): unknown {
  switch (path) {
    case "/begin":
      session.begun = true;
      return {};
    case "/count":
      session.transact("n", (n) => Number(n ?? 0) + 1);
      return {};
    case "/flash":
      session.flash("one");
      return {};
    case "/rotate":
      session.regenerate({ keep: true });
      return {};
    case "/login":
      session.owner = "ada";
      return {};
    case "/logout":
      session.destroy();
      return {};
    default:
      return { n: session.n, flashes: session.getFlashedMessages() };
  }
}

/** A store in this process, of which every step can lose its answer. */
function lossy(store: Store): Lossy {
  let untilLoss = Infinity;
  let lost = 0;
  const step =
    <Args extends unknown[], Answer>(act: (...args: Args) => Promise<Answer>) =>
    async (...args: Args) => {
      const answer = await act(...args);
      if (--untilLoss !== 0) return answer;
      lost++;
      throw new StoreError("unavailable", "read ECONNRESET");
    };
  return {
    store: {
      name: store.name,
      atomic: true,
      read: step((key) => store.read(key)),
      insert: step((key, write) => store.insert(key, write)),
      replace: step((key, expected, write) => store.replace(key, expected, write)),
      remove: step((key, expected) => store.remove(key, expected)),
      readMany: step((keys, length) => store.readMany!(keys, length)),
    },
    loseAnswer: (nth) => (untilLoss = nth),
    lost: () => lost,
    close: async () => store.close?.(),
  };
}

async function behind(
  url: string,
  connect: (through: URL) => Promise<{ store: Store; close(): Promise<unknown> }>,
): Promise<Lossy> {
  const through = new URL(url);
  const proxy = await tcpProxy({ host: through.hostname, port: Number(through.port) });
  through.host = `127.0.0.1:${proxy.port}`;
  const { store, close } = await connect(through);
  return {
    store,
    loseAnswer: (nth) => proxy.loseAnswer(nth),
    lost: () => proxy.lost,
    async close() {
      await close();
      await proxy.close();
    },
  };
}

describe("sessions whose answers are lost, in memory", () => {
  settles(async () => lossy(memoryStore()));
});

describe("sessions whose answers are lost, in SQLite", () => {
  settles(async () => lossy(sqliteStore(":memory:")));
});

const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const redis = await reachable("Redis", "REDIS_URL", redisUrl);

describe.skipIf(redis.skip)(`sessions whose answers are lost, in Redis${redis.note}`, () => {
  const prefix = `hipflask-lost-${process.pid}:`;

  describe("over @redis/client", () => {
    settles(() =>
      behind(redisUrl, async (through) => {
        const client = createClient({ url: through.href, socket: { reconnectStrategy: () => 5 } });
        client.on("error", () => {});
        await client.connect();
        return { store: redisStore(client, { prefix }), close: async () => client.destroy() };
      }),
    );
  });

  // It sends by itself again what it got no answer to.
  describe("over ioredis", () => {
    settles(() =>
      behind(redisUrl, async (through) => {
        const client = new Redis(through.href, { retryStrategy: () => 5 });
        client.on("error", () => {});
        return { store: redisStore(client, { prefix }), close: async () => client.disconnect() };
      }),
    );
  });
});

const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);

describe.skipIf(postgres.skip)(`sessions whose answers are lost, in PostgreSQL${postgres.note}`, () => {
  const schema = `hipflask_lost_${process.pid}_${Date.now()}`;

  settles(() =>
    behind(postgresUrl, async (through) => {
      const admin = new Pool({ connectionString: postgresUrl });
      await admin.query(`CREATE SCHEMA ${schema}`);
      const options = `-c search_path=${schema}`;
      const pool = new Pool({ connectionString: through.href, max: 2, options });
      pool.on("error", () => {});
      const store = postgresStore(pool);
      await store.migrate();
      return {
        store,
        async close() {
          await pool.end();
          await admin.query(`DROP SCHEMA ${schema} CASCADE`);
          await admin.end();
        },
      };
    }),
  );
});

const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);

describe.skipIf(mysql.skip)(`sessions whose answers are lost, in MariaDB${mysql.note}`, () => {
  const database = `hipflask_lost_${process.pid}_${Date.now()}`;

  settles(() =>
    behind(mysqlUrl, async (through) => {
      const admin = createPool(mysqlUrl);
      await admin.query(`CREATE DATABASE ${database}`);
      through.pathname = `/${database}`;
      const pool = createPool({ uri: through.href, connectionLimit: 2 });
      const store = mysqlStore(pool);
      await store.migrate();
      return {
        store,
        async close() {
          await pool.end();
          await admin.query(`DROP DATABASE ${database}`);
          await admin.end();
        },
      };
    }),
  );
});
