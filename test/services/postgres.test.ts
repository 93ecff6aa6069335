import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresStore, type PostgresPool } from "../../src/stores/postgres.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { TransactionPooler } from "./transaction-pooler.ts";

const url = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const service = await reachable("PostgreSQL", "POSTGRES_URL", url);

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
  });
  afterAll(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await Promise.all([pool.end(), proxied.end()]);
    await proxy.close();
  });

  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      await pool.query(`CREATE SCHEMA ${schema}`);
      const counting: PostgresPool = {
        async query(text, values) {
          await beforeCommand();
          return proxied.query(text, values);
        },
        connect: () => proxied.connect(),
      };
      const store = postgresStore(counting, { clockOffset: clock.offset });
      await store.migrate();
      await store.migrate();
      const selected = "WHERE selector = $1";
      return {
        store,
        another: postgresStore(pool, { clockOffset: clock.offset }),
        corrupt: (selector) =>
          pool.query(`UPDATE hipflask_sessions SET fields = '[1]' ${selected}`, [selector]),
        dump: async (selector) =>
          JSON.stringify((await pool.query(`SELECT * FROM hipflask_sessions ${selected}`, [selector])).rows),
        outage: { begin: async () => proxy.cut(), end: async () => proxy.mend() },
      };
    },
    { corrupts: true, stops: true, countsCommands: true, scale: fullScale },
  );

  it("makes its tables once when several processes start at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      const fresh = `${schema}_${round}`;
      await pool.query(`CREATE SCHEMA ${fresh}`);
      const starting = new Pool({ connectionString: url, max: 8, options: `-c search_path=${fresh}` });
      await Promise.all(Array.from({ length: 8 }, () => postgresStore(starting).migrate()));
      expect(await postgresStore(starting).list("nobody")).toEqual([]);
      await starting.end();
      await pool.query(`DROP SCHEMA ${fresh} CASCADE`);
    }
  });
});

describe.skipIf(service.skip)(`postgresStore behind a pooler in transaction mode${service.note}`, () => {
  const schema = `hipflask_pooler_${process.pid}_${Date.now()}`;
  const admin = new Pool({ connectionString: url });
  const pooler = new TransactionPooler({ connectionString: url, options: `-c search_path=${schema}` });
  afterAll(async () => {
    await pooler.end();
    await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await admin.end();
  });

  storeContract(
    { describe, it },
    async ({ clock }) => {
      await admin.query(`CREATE SCHEMA ${schema}`);
      const store = postgresStore(pooler, { clockOffset: clock.offset });
      await store.migrate();
      return { store };
    },
    { scale: Math.min(fullScale, 0.1) },
  );
});
