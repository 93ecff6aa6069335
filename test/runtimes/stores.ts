import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { openSqlite } from "../../src/stores/sqlite/database.ts";
import { reachable } from "../services/service.ts";

/** A store, by the URL that a server of its sessions is started with. */
export interface RuntimeStore {
  readonly name: string;
  readonly skip: boolean;
  /** What has to be installed beside hipflask. */
  readonly packages: readonly string[];
  /** Several processes can share it. */
  readonly isShared: boolean;
  /** Makes room for one run. */
  open(): Promise<Room>;
}

/** Where the sessions of one run are. */
export interface Room {
  readonly url: string;
  /** Where a writer locks out all the others: becomes that writer, until the function it resolves to is called. */
  lock?(): Promise<() => void>;
  close(): Promise<unknown>;
}

const urls = {
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  postgres: process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
  mysql: process.env["MYSQL_URL"] ?? "mysql://root@127.0.0.1:3306/test",
};

let made = 0;
const unique = () => `hipflask_runtime_${process.pid}_${made++}`;

async function service(
  name: string,
  variable: string,
  url: string,
  packages: readonly string[],
  open: RuntimeStore["open"],
): Promise<RuntimeStore> {
  const { skip, note } = await reachable(name, variable, url);
  return { name: `${name}${note}`, skip, packages, isShared: true, open };
}

export const memory: RuntimeStore = {
  name: "memory",
  skip: false,
  packages: [],
  isShared: false,
  open: async () => ({ url: "memory:", close: async () => {} }),
};

export const sqlite: RuntimeStore = {
  name: "SQLite",
  skip: false,
  // Installed for everybody, and used on Node 20, which has no SQLite of its own.
  packages: ["libsql@0.5.29"],
  isShared: true,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), "hipflask-runtime-"));
    const file = join(folder, "sessions.db");
    return {
      url: `sqlite:${file}`,
      async lock() {
        const db = await openSqlite(file);
        db.exec("BEGIN IMMEDIATE");
        return () => void db.close();
      },
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

/** Stores whose clients are packages for Node, Bun and Deno alike. */
export const services: readonly RuntimeStore[] = [
  // Its records end by themselves, a minute after the last request.
  await service("Redis", "REDIS_URL", urls.redis, ["@redis/client@6.3.1"], async () => ({
    url: urls.redis,
    close: async () => {},
  })),
  await service("PostgreSQL", "POSTGRES_URL", urls.postgres, ["pg@8.23.1"], async () => {
    const schema = unique();
    const pool = new Pool({ connectionString: urls.postgres, max: 1 });
    await pool.query(`CREATE SCHEMA ${schema}`);
    const url = new URL(urls.postgres);
    url.searchParams.set("options", `-c search_path=${schema}`);
    return {
      url: url.href.replaceAll("+", "%20"),
      close: async () => (await pool.query(`DROP SCHEMA ${schema} CASCADE`), pool.end()),
    };
  }),
  await service("MariaDB", "MYSQL_URL", urls.mysql, ["mysql2@3.24.6"], async () => {
    const database = unique();
    const pool = createPool(urls.mysql);
    await pool.query(`CREATE DATABASE ${database}`);
    const url = new URL(urls.mysql);
    url.pathname = `/${database}`;
    return { url: url.href, close: async () => (await pool.query(`DROP DATABASE ${database}`), pool.end()) };
  }),
];
