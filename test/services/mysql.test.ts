import { createConnection, createPool, type Pool } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mysqlStore, type MysqlPool } from "../../src/stores/mysql.ts";
import type { Change } from "../../src/stores/verbs.ts";
import { newToken } from "../../src/stores/token.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { fullScale, reachable } from "./service.ts";
import { tcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const url = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const service = await reachable("MariaDB or MySQL", "MYSQL_URL", url);

describe.skipIf(service.skip)(`mysqlStore${service.note}`, () => {
  const database = `hipflask_test_${process.pid}_${Date.now()}`;
  let pool: Pool;
  let proxy: TcpProxy;
  let proxied: Pool;
  beforeAll(async () => {
    const connection = await createConnection(url);
    await connection.query(`CREATE DATABASE ${database}`);
    await connection.end();
    const own = new URL(url);
    own.pathname = `/${database}`;
    pool = createPool({ uri: own.href, connectionLimit: 8 });
    proxy = await tcpProxy({ host: own.hostname, port: Number(own.port || 3306) });
    own.host = `127.0.0.1:${proxy.port}`;
    proxied = createPool({ uri: own.href, connectionLimit: 8 });
  });
  afterAll(async () => {
    await pool.query(`DROP DATABASE ${database}`);
    await Promise.all([pool.end(), proxied.end()]);
    await proxy.close();
  });

  storeContract(
    { describe, it },
    async ({ clock, beforeCommand }) => {
      const counting: MysqlPool = {
        async execute(sql, values) {
          await beforeCommand();
          return proxied.execute(sql, values);
        },
        getConnection: () => proxied.getConnection(),
      };
      const store = mysqlStore(counting, { clockOffset: clock.offset });
      await store.migrate();
      await store.migrate();
      return {
        store,
        another: mysqlStore(pool, { clockOffset: clock.offset }),
        corrupt: (selector) =>
          pool.execute("UPDATE hipflask_sessions SET fields = '[1]' WHERE selector = ?", [selector]),
        dump: async (selector) =>
          JSON.stringify(
            (await pool.execute("SELECT * FROM hipflask_sessions WHERE selector = ?", [selector]))[0],
          ),
        outage: { begin: async () => proxy.cut(), end: async () => proxy.mend() },
      };
    },
    { corrupts: true, stops: true, countsCommands: true, scale: fullScale },
  );

  it("makes its tables once when several processes start at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      await pool.query(`CREATE DATABASE ${database}_${round}`);
      const fresh = new URL(url);
      fresh.pathname = `/${database}_${round}`;
      const starting = createPool({ uri: fresh.href, connectionLimit: 8 });
      await Promise.all(Array.from({ length: 8 }, () => mysqlStore(starting).migrate()));
      expect(await mysqlStore(starting).list("nobody")).toEqual([]);
      await starting.end();
      await pool.query(`DROP DATABASE ${database}_${round}`);
    }
  });

  it("claims an owner while others write, also where snapshots are isolated as in MariaDB 11.6", async () => {
    const own = new URL(url);
    own.pathname = `/${database}`;
    const strict = createPool({ uri: own.href, connectionLimit: 8 });
    const [variables] = await strict.query("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
    if ((variables as unknown[]).length > 0) {
      strict.on("connection", (connection) => {
        (connection as unknown as { query(sql: string): void }).query(
          "SET SESSION innodb_snapshot_isolation = ON",
        );
      });
    }
    const store = mysqlStore(strict);
    await store.migrate();
    for (let round = 0; round < 40; round++) {
      const token = newToken();
      await store.create({ ...token, fields: new Map(), expiry: { idle: 60 } });
      const claim = { owner: `owner ${round}`, elapsed: () => 0 };
      const write = (key: string, change: Change = {}) =>
        store.patch(token.selector, token.verifierHash, { ...change, set: new Map([[key, "1"]]) });
      const rivals = ["a", "b", "c", "d"].flatMap((key) => [write(key), write(`${key} claimed`, { claim })]);
      for (const answer of await Promise.all(rivals)) expect(answer.status).toBe("ok");
      const found = await store.read(token.selector);
      expect(found.status === "ok" && found.record.fields.size).toBe(8);
    }
    await strict.end();
  });
});
