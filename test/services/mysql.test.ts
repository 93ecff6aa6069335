import { createConnection, createPool, type Pool, type PoolOptions } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mysql2Database } from "../../src/stores/sql/mysql2.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { after, movedSql } from "./moved-time.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const url = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const service = await reachable("MariaDB or MySQL", "MYSQL_URL", url);
const write = (text: string, commit: string) => ({ text, commit, lifetime: 60 });
const [A, B] = ["A".repeat(16), "B".repeat(16)] as const;

describe.skipIf(service.skip)(`mysqlStore${service.note}`, () => {
  const database = `hipflask_test_${process.pid}_${Date.now()}`;
  const own = new URL(url);
  own.pathname = `/${database}`;
  const open = (options: PoolOptions = {}) => createPool({ uri: own.href, connectionLimit: 8, ...options });
  let pool: Pool;
  let proxy: TcpProxy;
  let proxied: Pool;
  beforeAll(async () => {
    const connection = await createConnection(url);
    await connection.query(`CREATE DATABASE ${database}`);
    await connection.end();
    pool = open();
    proxy = await tcpProxy({ host: own.hostname, port: Number(own.port || 3306) });
    const through = new URL(own);
    through.host = `127.0.0.1:${proxy.port}`;
    proxied = createPool({ uri: through.href, connectionLimit: 8 });
  });
  afterAll(async () => {
    await pool.query(`DROP DATABASE ${database}`);
    await Promise.all([pool.end(), proxied.end()]);
    await proxy.close();
  });

  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      const moved = (through: Pool) => sqlStore(movedSql(mysql2Database(through), clock));
      const store = moved(after(beforeCommand, proxied));
      await store.migrate();
      await store.migrate();
      return {
        store,
        another: moved(pool),
        corrupt: (key) =>
          pool.execute("UPDATE hipflask_sessions SET record = '[1,', commit_id = '' WHERE id = ?", [key]),
        dump: async (key) =>
          JSON.stringify((await pool.execute("SELECT * FROM hipflask_sessions WHERE id = ?", [key]))[0]),
        outage: { begin: async () => proxy.cut(), end: async () => proxy.mend() },
      };
    },
    { corrupts: true, stops: true, countsCommands: true, scale: fullScale },
  );

  describe("over a pool that gives rows as arrays, in tables, with everything as text, and counts changed rows", () => {
    storeContract(
      { describe, it },
      async ({ clock }) => {
        const strange = open({
          rowsAsArray: true,
          nestTables: true,
          typeCast: () => "cast",
          namedPlaceholders: true,
          supportBigNumbers: true,
          bigNumberStrings: true,
          flags: ["-FOUND_ROWS"],
        });
        const store = sqlStore(movedSql(mysql2Database(strange), clock));
        await store.migrate();
        return { store, close: () => strange.end() };
      },
      { scale: Math.min(fullScale, 0.05) },
    );
  });

  it("makes its table once when several processes start at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      await pool.query(`CREATE DATABASE ${database}_${round}`);
      const fresh = new URL(url);
      fresh.pathname = `/${database}_${round}`;
      const starting = createPool({ uri: fresh.href, connectionLimit: 8 });
      await Promise.all(Array.from({ length: 8 }, () => mysqlStore(starting).migrate()));
      expect(await mysqlStore(starting).read("k")).toBeUndefined();
      await starting.end();
      await pool.query(`DROP DATABASE ${database}_${round}`);
    }
  });

  it("says what to do where its table is missing, and names its server", async () => {
    await pool.query(`CREATE DATABASE ${database}_empty`);
    const empty = createPool(new URL(`/${database}_empty`, url).href);
    const error = (await mysqlStore(empty)
      .read("k")
      .catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: "STORE", reason: "unavailable" });
    expect(error.message).toMatch(
      /^MySQL at 127\.0\.0\.1:\d+ could not "read", since its table "hipflask_sessions" is missing: write await store\.migrate\(\).*npx hipflask schema mysql/,
    );
    await pool.query(`DROP DATABASE ${database}_empty`);
    await empty.end();
  });

  it("lives by UTC, whatever the zone of a connection, in its repeated hour too", async () => {
    const zoned = open({ connectionLimit: 1 });
    // The second half past two of a night in which the clocks go back.
    await zoned.query("SET time_zone = '+02:00', timestamp = 1761438600");
    const store = mysqlStore(zoned);
    await store.insert("zoned", write("1", A));
    expect((await store.read("zoned"))?.now).toBe(1_761_438_600_000);
    await zoned.end();
  });

  it("replaces while others do, also where snapshots are isolated as in MariaDB 11.6", async () => {
    const strict = open();
    const [variables] = await strict.query("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
    if ((variables as unknown[]).length > 0) {
      strict.on("connection", (connection) => {
        (connection as unknown as { query(sql: string): void }).query(
          "SET SESSION innodb_snapshot_isolation = ON",
        );
      });
    }
    const store = mysqlStore(strict);
    for (let round = 0; round < 40; round++) {
      const key = `strict${round}`;
      await store.insert(key, write("1", A));
      const rivals = Array.from({ length: 8 }, (_, at) =>
        store.replace(key, A, write(String(at), B.slice(0, 15) + String(at))),
      );
      const sweeping = store.removeExpired(10);
      const statuses = (await Promise.all(rivals)).map(({ status }) => status);
      await sweeping;
      expect(statuses.filter((status) => status === "ok")).toHaveLength(1);
      expect(statuses.filter((status) => status === "conflict")).toHaveLength(7);
    }
    await strict.end();
  });
});
