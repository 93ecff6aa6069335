import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import type { DjangoDatabase } from "../../src/stores/django/database.ts";
import { reachable } from "../services/service.ts";
import { pythonThat } from "../support/python.ts";

/** A database of its own for one Django project, as Django and as we are told of it. */
export interface OpenedDatabase {
  /** An entry of `DATABASES`. */
  readonly settings: Record<string, unknown>;
  readonly database: DjangoDatabase;
  close(): Promise<unknown>;
}

/** An engine that a live Django can share with us, where both reach it; in CI in any case. */
export interface DjangoEngine {
  readonly name: string;
  readonly skip: boolean;
  readonly python: string | undefined;
  open(): Promise<OpenedDatabase>;
}

const urls = {
  postgres: process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
  mysql: process.env["MYSQL_URL"] ?? "mysql://root@127.0.0.1:3306/test",
};
const unique = () => `hipflask_django_${process.pid}_${Date.now()}`;

async function engine(
  name: string,
  drivers: string,
  service: { skip: boolean; note: string },
  open: DjangoEngine["open"],
): Promise<DjangoEngine> {
  const python = pythonThat(drivers);
  const note = python === undefined ? ` (skipped: no python3 that does "${drivers}")` : service.note;
  return {
    name: `${name}${note}`,
    skip: service.skip || (python === undefined && !process.env.CI),
    python,
    open,
  };
}

function settingsOf(url: string, backend: string, name: string): Record<string, unknown> {
  const { hostname, port, username, password } = new URL(url);
  return {
    ENGINE: `django.db.backends.${backend}`,
    NAME: name,
    HOST: hostname,
    PORT: port,
    USER: decodeURIComponent(username),
    PASSWORD: decodeURIComponent(password),
  };
}

export const djangoEngines: readonly DjangoEngine[] = [
  await engine("SQLite", "import django", { skip: false, note: "" }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "hipflask-django-"));
    const file = join(folder, "db.sqlite3");
    return {
      settings: { ENGINE: "django.db.backends.sqlite3", NAME: file },
      database: file,
      close: async () => rmSync(folder, { recursive: true }),
    };
  }),
  await engine(
    "PostgreSQL",
    "import django, psycopg2",
    await reachable("PostgreSQL", "POSTGRES_URL", urls.postgres),
    async () => {
      const schema = unique();
      const options = `-c search_path=${schema}`;
      const pool = new Pool({ connectionString: urls.postgres, max: 16, options });
      await pool.query(`CREATE SCHEMA ${schema}`);
      const { pathname } = new URL(urls.postgres);
      return {
        settings: { ...settingsOf(urls.postgres, "postgresql", pathname.slice(1)), OPTIONS: { options } },
        database: pool,
        close: async () => (await pool.query(`DROP SCHEMA ${schema} CASCADE`), pool.end()),
      };
    },
  ),
  await engine(
    "MariaDB",
    "import django, MySQLdb",
    await reachable("MariaDB", "MYSQL_URL", urls.mysql),
    async () => {
      const name = unique();
      const admin = createPool(urls.mysql);
      await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
      const pool = createPool({ uri: urls.mysql, database: name, connectionLimit: 16 });
      return {
        settings: settingsOf(urls.mysql, "mysql", name),
        database: pool,
        close: async () => (await pool.end(), await admin.query(`DROP DATABASE ${name}`), admin.end()),
      };
    },
  ),
];
