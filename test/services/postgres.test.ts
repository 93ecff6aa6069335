import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { pgDatabase } from "../../src/stores/sql/pg.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { after, movedSql } from "./moved-time.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { TransactionPooler } from "./transaction-pooler.ts";

const url = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const service = await reachable("PostgreSQL", "POSTGRES_URL", url);
const write = (text: string, commit: string) => ({ text, commit, lifetime: 60 });
const [A, B] = ["A".repeat(16), "B".repeat(16)] as const;

describe.skipIf(service.skip)(`postgresStore${service.note}`, () => {
  const schema = `hipflask_test_${process.pid}_${Date.now()}`;
  const options = `-c search_path=${schema}`;
  const pool = new Pool({ connectionString: url, max: 8, options });
  let proxy: TcpProxy;
  let proxied: Pool;
  beforeAll(async () => {
    const { hostname, port } = new URL(url);
    proxy = await tcpProxy({ host: hostname, port: Number(port || 5432) });
    const through = new URL(url);
    through.host = `127.0.0.1:${proxy.port}`;
    proxied = new Pool({ connectionString: through.href, max: 8, options });
    proxied.on("error", () => {});
    await pool.query(`CREATE SCHEMA ${schema}`);
  });
  afterAll(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await Promise.all([pool.end(), proxied.end()]);
    await proxy.close();
  });

  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      const moved = (through: Pool) => sqlStore(movedSql(pgDatabase(through), clock));
      const store = moved(after(beforeCommand, proxied));
      await store.migrate();
      await store.migrate();
      return {
        store,
        another: moved(pool),
        corrupt: (key) =>
          pool.query("UPDATE hipflask_sessions SET record = '[1,', commit_id = '' WHERE id = $1", [key]),
        dump: async (key) =>
          JSON.stringify((await pool.query("SELECT * FROM hipflask_sessions WHERE id = $1", [key])).rows),
        outage: { begin: async () => proxy.cut(), end: async () => proxy.mend() },
      };
    },
    { corrupts: true, stops: true, countsCommands: true, scale: fullScale },
  );

  it("makes its table once when several processes start at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      const fresh = `${schema}_${round}`;
      await pool.query(`CREATE SCHEMA ${fresh}`);
      const starting = new Pool({ connectionString: url, max: 8, options: `-c search_path=${fresh}` });
      await Promise.all(Array.from({ length: 8 }, () => postgresStore(starting).migrate()));
      expect(await postgresStore(starting).read("k")).toBeUndefined();
      await starting.end();
      await pool.query(`DROP SCHEMA ${fresh} CASCADE`);
    }
  });

  it("says what to do where its table is missing, and names its server", async () => {
    const elsewhere = new Pool({ connectionString: url, max: 1, options: "-c search_path=pg_temp" });
    const { host } = new URL(url);
    const error = (await postgresStore(elsewhere)
      .read("k")
      .catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: "STORE", reason: "unavailable" });
    expect(error.message).toContain(
      `PostgreSQL at ${host} could not "read", since its table "hipflask_sessions" is missing`,
    );
    expect(error.message).toMatch(/store\.migrate\(\).*npx hipflask schema/);
    await elsewhere.end();
  });

  it("sends one statement at a time where it has a single Client, as pg will ask for", async () => {
    const client = new Client({ connectionString: url, options });
    await client.connect();
    const store = postgresStore(client);
    const warnings: string[] = [];
    const listener = ({ message }: Error) => void warnings.push(message);
    process.on("warning", listener);
    await Promise.all(Array.from({ length: 8 }, () => store.read("k")));
    await new Promise(setImmediate);
    process.off("warning", listener);
    expect(warnings).toEqual([]);
    await client.end();
  });

  it("prepares each statement once per connection, unless prepare is false", async () => {
    const single = new Pool({ connectionString: url, max: 1, options });
    const prepared = async () => (await single.query("SELECT name FROM pg_prepared_statements")).rows.length;
    const use = async (store: ReturnType<typeof postgresStore>) => {
      await store.remove("prepared");
      await store.insert("prepared", write("1", A));
      for (let round = 0; round < 3; round++) {
        await store.read("prepared");
        await store.replace("prepared", A, write("2", A));
      }
    };
    await use(postgresStore(single, { prepare: false }));
    expect(await prepared()).toBe(0);
    await use(postgresStore(single));
    expect(await prepared()).toBe(4);
    await single.end();
  });

  it("writes no index when a session is saved (HOT)", async () => {
    const fresh = `${schema}_hot`;
    await pool.query(`CREATE SCHEMA ${fresh}`);
    const single = new Pool({ connectionString: url, max: 1, options: `-c search_path=${fresh}` });
    const store = postgresStore(single);
    await store.migrate();
    const day = { lifetime: 24 * 3600 };
    await store.insert("hot", { ...write("1", A), ...day });
    for (let round = 0; round < 200; round++) {
      const [expected, commit] = round % 2 === 0 ? [A, B] : [B, A];
      const answer = await store.replace("hot", expected, { ...write(String(round), commit), ...day });
      expect(answer).toEqual({ status: "ok" });
    }
    // A connection has reported its statistics when it has ended, which is a little after `end`.
    await single.end();
    const statistics = async () =>
      pool.query(
        "SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'hipflask_sessions'",
        [fresh],
      );
    const hot = await vi.waitFor(
      async () => {
        const [{ all, hot }] = (await statistics()).rows as [{ all: number; hot: number }];
        expect(all).toBe(200);
        return hot;
      },
      { timeout: 20_000 },
    );
    expect(hot).toBeGreaterThan(190);
    await pool.query(`DROP SCHEMA ${fresh} CASCADE`);
  });
});

describe.skipIf(service.skip)(`postgresStore behind a pooler in transaction mode${service.note}`, () => {
  const schema = `hipflask_pooler_${process.pid}_${Date.now()}`;
  const admin = new Pool({ connectionString: url });
  const config = { connectionString: url, options: `-c search_path=${schema}` };
  const pooler = new TransactionPooler(config);
  afterAll(async () => {
    await pooler.end();
    await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await admin.end();
  });

  storeContract(
    { describe, it },
    async ({ clock }) => {
      await admin.query(`CREATE SCHEMA ${schema}`);
      const store = sqlStore(movedSql(pgDatabase(pooler), clock));
      await store.migrate();
      return { store };
    },
    { scale: Math.min(fullScale, 0.1) },
  );

  it("goes on without prepared statements, and loses no step by finding out", async () => {
    const fresh = new TransactionPooler(config);
    const store = postgresStore(fresh);
    const keys = Array.from({ length: 200 }, (_, at) => `lost${at}`);
    const inserted = await Promise.all(keys.map((key) => store.insert(key, write("1", A))));
    expect(new Set(inserted)).toEqual(new Set([true]));
    const answers = await Promise.all(keys.map((key) => store.replace(key, A, write("2", B))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["ok"]));
    expect(fresh.refused).toBeGreaterThan(0);
    await fresh.end();
  });
});
