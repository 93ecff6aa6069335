import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createConnection } from "mysql2/promise";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../support/databases.ts";
import { reachable } from "./service.ts";

const run = promisify(execFile);
const packages = databases();
const postgresUrl = process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test";
const mysqlUrl = process.env["MYSQL_URL"] ?? "mysql://root@127.0.0.1:3306/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);
const redisUrl = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379";
const redis = await reachable("Redis", "REDIS_URL", redisUrl);
const unique = `hipflask_bun_${process.pid}_${Date.now()}`;

/** Lines of the contract, run in Bun by a script. */
async function contract(script: string, ...args: string[]): Promise<string[]> {
  const bun = join(import.meta.dirname, "../databases/node_modules/.bin/bun");
  const options = { maxBuffer: 1 << 24, timeout: 120_000 };
  const { stdout } = await run(bun, [join(import.meta.dirname, script), ...args], options);
  return stdout.trim().split("\n");
}

/** In a database of its own. */
function owned(url: string): string {
  return Object.assign(new URL(url), { pathname: `/${unique}` }).href;
}

async function inPostgres(statement: string): Promise<void> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function inMysql(statement: string): Promise<void> {
  const connection = await createConnection(mysqlUrl);
  await connection.query(statement);
  await connection.end();
}

const folder = mkdtempSync(join(tmpdir(), "hipflask-bun-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(packages.skip || redis.skip)(
  `redisStore over Bun's client${packages.note || redis.note}`,
  () => {
    it("keeps the contract, with two clients", async () => {
      const lines = await contract("bun-redis.ts", redisUrl, `${unique}:`);
      expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
      expect(lines.length).toBeGreaterThan(14);
    });
  },
);

describe.skipIf(packages.skip)(`sqlStore over Bun's SQL, in Bun${packages.note}`, () => {
  beforeAll(async () => {
    if (!postgres.skip) await inPostgres(`CREATE DATABASE ${unique}`);
    if (!mysql.skip) await inMysql(`CREATE DATABASE ${unique}`);
  });
  afterAll(async () => {
    if (!postgres.skip) await inPostgres(`DROP DATABASE ${unique} WITH (FORCE)`);
    if (!mysql.skip) await inMysql(`DROP DATABASE ${unique}`);
  });

  const engines = [
    ["SQLite", `sqlite://${join(folder, "sql.db")}`, { skip: false, note: "" }],
    ["PostgreSQL", owned(postgresUrl), postgres],
    ["MariaDB", owned(mysqlUrl), mysql],
  ] as const;
  for (const [name, url, { skip, note }] of engines) {
    it.skipIf(skip)(`keeps the contract in ${name}${note}`, async () => {
      const lines = await contract("bun-sql.ts", url);
      expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
      expect(lines.length).toBeGreaterThan(14);
    });
  }
});
