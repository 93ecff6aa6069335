import Libsql from "libsql";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool as createCallbackPool } from "mysql2";
import { createConnection, createPool } from "mysql2/promise";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { withoutHelp } from "../../src/help.ts";
import { databaseOf, type SqlHandle } from "../../src/stores/sql/handles.ts";
import { sqlStore, type SqlStore } from "../../src/stores/sql.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { libsqlServer } from "../support/libsql-server.ts";
import { neonProxy } from "../support/neon-proxy.ts";
import { planetscaleProxy } from "../support/planetscale-proxy.ts";
import { workerd } from "../support/workerd.ts";
import { movedSql } from "./moved-time.ts";
import { fullScale, reachable } from "./service.ts";

const packages = databases();
const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);
const unique = `hipflask_handles_${process.pid}_${Date.now()}`;
const search = `-c search_path=${unique}`;

type Opened = readonly [handle: SqlHandle, close?: () => unknown];
// oxlint-disable-next-line typescript/no-explicit-any -- packages of another folder, without their types
type Package = any;

const folder = mkdtempSync(join(tmpdir(), "hipflask-handles-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/**
 * The contract, on handles as an application has them.
 *
 * @param open called for each of two clients, with the path of a file that both may open
 * @param isAlone the database is inside its handle, so there cannot be another client
 */
function keeps(title: string, open: (file: string) => Promise<Opened> | Opened, isAlone = false): void {
  describe(`over ${title}`, () => {
    const file = join(folder, `${++files}.db`);

    it("says in one sentence what to do where its table is missing", async () => {
      const [handle, close] = await open(file);
      await databaseOf(handle).run("DROP TABLE IF EXISTS hipflask_sessions", []);
      const store = sqlStore(handle);
      const [key, write] = ["key", { text: "1", commit: "A".repeat(16), lifetime: 60 }];
      const steps = {
        read: () => store.read(key),
        readMany: () => store.readMany!([key], 9),
        insert: () => store.insert(key, write),
        replace: () => store.replace(key, write.commit, write),
        remove: () => store.remove(key),
        removeExpired: () => store.removeExpired(9),
      };
      for (const [name, step] of Object.entries(steps)) {
        const error: unknown = await step().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: "STORE", reason: "unavailable" });
        expect(withoutHelp((error as Error).message)).toMatch(
          new RegExp(
            `^[^.]+(?:127\\.0\\.0\\.1[^.]*)? could not "${name}", since its table "hipflask_sessions" is missing: write await store\\.migrate\\(\\) at the start, or create it with the output of "npx hipflask schema (?:postgres|mysql|sqlite)"\\.$`,
          ),
        );
      }
      await close?.();
    });

    storeContract(
      { describe, it },
      async ({ clock }) => {
        const first = await open(file);
        const second = isAlone ? first : await open(file);
        const [store, another] = [first, second].map(([handle]) =>
          sqlStore(movedSql(databaseOf(handle), clock)),
        ) as [SqlStore, SqlStore];
        await store.migrate();
        const close = async () => {
          for (const [, end] of new Set([first, second])) await end?.();
        };
        return { store, another, close };
      },
      { scale: Math.min(fullScale, 0.05) },
    );
  });
}

describe.skipIf(postgres.skip || packages.skip)(
  `sqlStore in PostgreSQL${postgres.note || packages.note}`,
  () => {
    const admin = new Pool({ connectionString: postgresUrl });
    beforeAll(async () => void (await admin.query(`CREATE SCHEMA ${unique}`)));
    afterAll(async () => {
      await admin.query(`DROP SCHEMA ${unique} CASCADE`);
      await admin.end();
    });
    const pool = () => new Pool({ connectionString: postgresUrl, options: search });
    const postgresJs = (options: object = {}) =>
      (packages.require("postgres") as Package)(postgresUrl, {
        connection: { search_path: unique },
        onnotice: () => {},
        ...options,
      });

    keeps("a Pool of pg", () => {
      const db = pool();
      return [db, () => db.end()];
    });
    keeps("a connected Client of pg", async () => {
      const client = new Client({ connectionString: postgresUrl, options: search });
      await client.connect();
      return [client, () => client.end()];
    });
    keeps("postgres.js", () => {
      const sql = postgresJs();
      return [sql, () => sql.end()];
    });
    keeps("postgres.js that renames columns", () => {
      const sql = postgresJs({ transform: packages.require("postgres").camel });
      return [sql, () => sql.end()];
    });
    keeps("Kysely that renames columns", () => {
      const { Kysely, PostgresDialect, CamelCasePlugin } = packages.require("kysely") as Package;
      const db = new Kysely({
        dialect: new PostgresDialect({ pool: pool() }),
        plugins: [new CamelCasePlugin()],
      });
      return [db, () => db.destroy()];
    });
    keeps("Drizzle", () => {
      const db = pool();
      const { drizzle } = packages.require("drizzle-orm/node-postgres") as Package;
      return [drizzle({ client: db }), () => db.end()];
    });
    keeps("Drizzle over postgres.js", () => {
      const sql = postgresJs();
      const { drizzle } = packages.require("drizzle-orm/postgres-js") as Package;
      return [drizzle({ client: sql }), () => sql.end()];
    });
    keeps("Knex", () => {
      const connection = { connectionString: postgresUrl, options: search };
      const db = (packages.require("knex") as Package)({ client: "pg", connection });
      return [db, () => db.destroy()];
    });
  },
);

describe.skipIf(postgres.skip || packages.skip)(
  `sqlStore over Neon's driver, through a proxy before PostgreSQL${postgres.note || packages.note}`,
  () => {
    const own = new URL(postgresUrl);
    own.pathname = `/${unique}`;
    const withAdmin = async (statement: string) => {
      const admin = new Client({ connectionString: postgresUrl });
      await admin.connect();
      await admin.query(statement);
      await admin.end();
    };
    let proxy: Awaited<ReturnType<typeof neonProxy>>;
    beforeAll(async () => {
      await withAdmin(`CREATE DATABASE ${unique}`);
      proxy = await neonProxy(postgresUrl);
      const { neonConfig } = packages.require("@neondatabase/serverless") as Package;
      Object.assign(neonConfig, {
        fetchEndpoint: `http://${proxy.host}/sql`,
        webSocketConstructor: WebSocket,
        wsProxy: proxy.host,
        useSecureWebSocket: false,
        pipelineConnect: false,
      });
    });
    afterAll(async () => {
      await proxy.close();
      await withAdmin(`DROP DATABASE ${unique} WITH (FORCE)`);
    });
    // The driver asks for a password, whether PostgreSQL does or not.
    const url = () => Object.assign(new URL(own), { password: own.password || "none" }).href;

    keeps("neon(), by HTTP", () => {
      const { neon } = packages.require("@neondatabase/serverless") as Package;
      return [neon(url(), { disableWarningInBrowsers: true })];
    });
    keeps("its Pool, by WebSockets", () => {
      const { Pool: NeonPool } = packages.require("@neondatabase/serverless") as Package;
      const db = new NeonPool({ connectionString: url() });
      return [db, () => db.end()];
    });
    keeps("Drizzle over neon()", () => {
      const { neon } = packages.require("@neondatabase/serverless") as Package;
      const { drizzle } = packages.require("drizzle-orm/neon-http") as Package;
      return [drizzle({ client: neon(url(), { disableWarningInBrowsers: true }) })];
    });
  },
);

describe.skipIf(packages.skip)(`sqlStore in PGlite${packages.note}`, () => {
  const open = (): [handle: SqlHandle, close: () => unknown] => {
    const { PGlite } = packages.require("@electric-sql/pglite") as Package;
    const db = new PGlite();
    return [db, () => db.close()];
  };
  keeps("a PGlite", open, true);
  keeps(
    "Drizzle",
    () => {
      const [db, close] = open();
      return [(packages.require("drizzle-orm/pglite") as Package).drizzle({ client: db }), close];
    },
    true,
  );
});

describe.skipIf(mysql.skip || packages.skip)(`sqlStore in MariaDB${mysql.note || packages.note}`, () => {
  const own = new URL(mysqlUrl);
  own.pathname = `/${unique}`;
  beforeAll(async () => {
    const connection = await createConnection(mysqlUrl);
    await connection.query(`CREATE DATABASE ${unique}`);
    await connection.end();
  });
  afterAll(async () => {
    const connection = await createConnection(mysqlUrl);
    await connection.query(`DROP DATABASE ${unique}`);
    await connection.end();
  });

  keeps("a pool of mysql2/promise", () => {
    const pool = createPool(own.href);
    return [pool, () => pool.end()];
  });
  keeps("a pool of mysql2 with callbacks", () => {
    const pool = createCallbackPool(own.href);
    return [pool, () => pool.promise().end()];
  });
  keeps("a connection of mysql2", async () => {
    const connection = await createConnection(own.href);
    return [connection, () => connection.end()];
  });
  keeps("a pool of mariadb, its rows as arrays", () => {
    const { hostname: host, port, username: user, password } = own;
    const pool = (packages.require("mariadb") as Package).createPool({
      host,
      port: Number(port || 3306),
      user,
      password,
      database: unique,
      rowsAsArray: true,
      connectionLimit: 8,
    });
    return [pool, () => pool.end()];
  });
  for (const [title, open] of [
    ["a Client", (module: Package, url: string) => new module.Client({ url })],
    ["a Connection", (module: Package, url: string) => module.connect({ url })],
  ] as const) {
    keeps(`${title} of @planetscale/database, through a proxy before MariaDB`, async () => {
      const proxy = await planetscaleProxy(own.href);
      return [open(packages.require("@planetscale/database"), proxy.url), () => proxy.close()];
    });
  }
  keeps("Kysely", () => {
    const { Kysely, MysqlDialect } = packages.require("kysely") as Package;
    const db = new Kysely({ dialect: new MysqlDialect({ pool: createCallbackPool(own.href) }) });
    return [db, () => db.destroy()];
  });
  keeps("Knex", () => {
    const db = (packages.require("knex") as Package)({ client: "mysql2", connection: own.href });
    return [db, () => db.destroy()];
  });
  keeps("Drizzle", () => {
    const pool = createPool(own.href);
    const { drizzle } = packages.require("drizzle-orm/mysql2") as Package;
    return [drizzle({ client: pool }), () => pool.end()];
  });
});

describe("sqlStore in SQLite", () => {
  keeps("libsql", (file) => {
    const db = new Libsql(file);
    return [db as never, () => db.close()];
  });
});

describe.skipIf(packages.skip)(`sqlStore in SQLite, by other packages${packages.note}`, () => {
  keeps("@libsql/client", (file) => {
    const { createClient } = packages.require("@libsql/client") as Package;
    const client = createClient({ url: `file:${file}` });
    return [client, () => client.close()];
  });

  describe("over the protocol of libSQL's servers", () => {
    let server: Awaited<ReturnType<typeof libsqlServer>>;
    let url: string;
    beforeAll(async () => {
      server = await libsqlServer();
      url = `http://127.0.0.1:${server.port}`;
    });
    afterAll(() => server.close());

    keeps("@libsql/client", () => {
      const client = (packages.require("@libsql/client") as Package).createClient({ url });
      return [client, () => client.close()];
    });
    keeps("@tursodatabase/serverless", () => {
      const { connect } = packages.require("@tursodatabase/serverless") as Package;
      const connection = connect({ url, authToken: "token" });
      return [connection, () => connection.close()];
    });
    keeps("Drizzle over @libsql/client", () => {
      const client = (packages.require("@libsql/client") as Package).createClient({ url });
      return [(packages.require("drizzle-orm/libsql") as Package).drizzle({ client }), () => client.close()];
    });
  });

  const better = (file: string) => new (packages.require("better-sqlite3") as Package)(file);
  keeps("better-sqlite3", (file) => {
    const db = better(file);
    return [db, () => db.close()];
  });
  keeps("Kysely", (file) => {
    const { Kysely, SqliteDialect } = packages.require("kysely") as Package;
    const db = new Kysely({ dialect: new SqliteDialect({ database: better(file) }) });
    return [db, () => db.destroy()];
  });
  keeps("Knex", (filename) => {
    const settings = { client: "better-sqlite3", connection: { filename }, useNullAsDefault: true };
    const db = (packages.require("knex") as Package)(settings);
    return [db, () => db.destroy()];
  });
  keeps("Drizzle", (file) => {
    const { drizzle } = packages.require("drizzle-orm/better-sqlite3") as Package;
    const db = better(file);
    return [drizzle({ client: db }), () => db.close()];
  });

  describe("in workerd", () => {
    let worker: Awaited<ReturnType<typeof workerd>>;
    beforeAll(async () => void (worker = await workerd()));
    afterAll(() => worker.close());
    keeps("D1", () => [worker.d1()]);
  });
});
