import Libsql from "libsql";
import { createPool as createCallbackPool } from "mysql2";
import { createConnection, createPool } from "mysql2/promise";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket } from "ws";
import { databaseOf, type SqlHandle } from "../../src/stores/sql/handles.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { libsqlServer } from "../support/libsql-server.ts";
import { neonProxy } from "../support/neon-proxy.ts";
import { planetscaleProxy } from "../support/planetscale-proxy.ts";
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

/** The contract, on a handle as an application has it. */
function keeps(title: string, open: () => Promise<Opened> | Opened): void {
  describe(`over ${title}`, () => {
    storeContract(
      { describe, it },
      async ({ clock }) => {
        const [handle, close] = await open();
        const store = sqlStore(movedSql(databaseOf(handle), clock));
        await store.migrate();
        return { store, ...(close && { close: async () => close() }) };
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
  keeps("a PGlite", () => {
    const { PGlite } = packages.require("@electric-sql/pglite") as Package;
    const db = new PGlite();
    return [db, () => db.close()];
  });
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
  keeps("Drizzle", () => {
    const pool = createPool(own.href);
    const { drizzle } = packages.require("drizzle-orm/mysql2") as Package;
    return [drizzle({ client: pool }), () => pool.end()];
  });
});

describe("sqlStore in SQLite", () => {
  keeps("libsql", () => {
    const db = new Libsql(":memory:");
    return [db as never, () => db.close()];
  });
});

describe.skipIf(packages.skip)(`sqlStore in SQLite, by other packages${packages.note}`, () => {
  keeps("@libsql/client", () => {
    const { createClient } = packages.require("@libsql/client") as Package;
    const client = createClient({ url: ":memory:" });
    return [client, () => client.close()];
  });
  keeps("@libsql/client, over the protocol of libSQL's servers", async () => {
    const { createClient } = packages.require("@libsql/client") as Package;
    const server = await libsqlServer();
    const client = createClient({ url: `http://127.0.0.1:${server.port}` });
    const close = async () => {
      client.close();
      await server.close();
    };
    return [client, close];
  });
  keeps("better-sqlite3", () => {
    const Database = packages.require("better-sqlite3") as Package;
    const db = new Database(":memory:");
    return [db, () => db.close()];
  });
  keeps("Kysely", () => {
    const { Kysely, SqliteDialect } = packages.require("kysely") as Package;
    const Database = packages.require("better-sqlite3") as Package;
    const db = new Kysely({ dialect: new SqliteDialect({ database: new Database(":memory:") }) });
    return [db, () => db.destroy()];
  });
  keeps("Drizzle", () => {
    const { drizzle } = packages.require("drizzle-orm/better-sqlite3") as Package;
    const Database = packages.require("better-sqlite3") as Package;
    const db = new Database(":memory:");
    return [drizzle({ client: db }), () => db.close()];
  });
  keeps("D1", async () => {
    const { Miniflare } = packages.require("miniflare") as Package;
    const worker = new Miniflare({
      modules: true,
      script: "export default { fetch: () => new Response() }",
      d1Databases: ["DB"],
    });
    return [await worker.getD1Database("DB"), () => worker.dispose()];
  });
});
