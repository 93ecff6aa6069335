import { Pool } from "pg";
import { afterAll, describe, it } from "vitest";
import { postgresStore, type PostgresPool } from "../../src/stores/postgres.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { fullScale, reachable } from "./service.ts";

const url = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const service = await reachable("PostgreSQL", "POSTGRES_URL", url);

describe.skipIf(service.skip)(`postgresStore${service.note}`, () => {
  const schema = `hipflask_test_${process.pid}_${Date.now()}`;
  const pool = new Pool({ connectionString: url, max: 8, options: `-c search_path=${schema}` });
  afterAll(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await pool.end();
  });

  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      await pool.query(`CREATE SCHEMA ${schema}`);
      const counting: PostgresPool = {
        async query(text, values) {
          await beforeCommand();
          return pool.query(text, values);
        },
        connect: () => pool.connect(),
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
      };
    },
    { corrupts: true, countsCommands: true, scale: fullScale },
  );
});
