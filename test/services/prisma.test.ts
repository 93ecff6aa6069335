import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseOf, type PrismaHandle } from "../../src/stores/sql/handles.ts";
import { sqlStore } from "../../src/stores/sql.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { movedSql } from "./moved-time.ts";
import { fullScale, reachable } from "./service.ts";

const run = promisify(execFile);
const postgresUrl = process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);
// 300 MB, and most of it has nothing to do with queries.
const isWanted = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);
const note = postgres.note || (isWanted ? "" : " (skipped: HIPFLASK_FULL=1 installs Prisma for it)");
const unique = `hipflask_prisma_${process.pid}_${Date.now()}`;

const SCHEMA = `
generator client {
  provider = "prisma-client-js"
}
datasource db {
  provider = "postgresql"
}
model Unused {
  id Int @id
}
`;

describe.skipIf(postgres.skip || !isWanted)(`sqlStore over Prisma, in PostgreSQL${note}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "hipflask-prisma-"));
  const clients: Array<PrismaHandle & { $disconnect(): Promise<void> }> = [];

  async function inPostgres(statement: string): Promise<void> {
    const client = new Client({ connectionString: postgresUrl });
    await client.connect();
    await client.query(statement);
    await client.end();
  }

  beforeAll(async () => {
    await inPostgres(`CREATE DATABASE ${unique}`);
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    writeFileSync(join(folder, "schema.prisma"), SCHEMA);
    const packages = ["prisma@7.10.0", "@prisma/client@7.10.0", "@prisma/adapter-pg@7.10.0"];
    await run("npm", ["install", "--no-audit", "--no-fund", ...packages], { cwd: folder });
    // Only migrations need the engine that would be downloaded; one that is there already is not.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
    await run("npx", ["prisma", "generate", "--schema", "schema.prisma"], { cwd: folder, env });
    const require = createRequire(join(folder, "package.json"));
    const { PrismaClient } = require("@prisma/client");
    const { PrismaPg } = require("@prisma/adapter-pg");
    const connectionString = Object.assign(new URL(postgresUrl), { pathname: `/${unique}` }).href;
    for (let each = 0; each < 2; each++) {
      clients.push(new PrismaClient({ adapter: new PrismaPg({ connectionString }) }));
    }
  }, 300_000);
  afterAll(async () => {
    for (const client of clients) await client.$disconnect();
    await inPostgres(`DROP DATABASE ${unique} WITH (FORCE)`);
    rmSync(folder, { recursive: true });
  });

  it("says that the table is missing", async () => {
    await expect(sqlStore(clients[0]!).read("key")).rejects.toThrow(
      /Prisma could not "read", since its table .* is missing: write await store\.migrate\(\)/,
    );
  });

  storeContract(
    { describe, it },
    async ({ clock }) => {
      const [store, another] = clients.map((client) => sqlStore(movedSql(databaseOf(client), clock)));
      await store!.migrate();
      return { store: store!, another: another! };
    },
    { scale: Math.min(fullScale, 0.05) },
  );
});
