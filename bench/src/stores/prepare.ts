import { createPool } from "mysql2/promise";
import { rmSync } from "node:fs";
import { Pool as PostgresPool } from "pg";
import { reachBorrowed } from "./borrowed.ts";
import {
  BORROWED,
  keyPrefix,
  MYSQL,
  openRedis,
  POSTGRES,
  unlinkAll,
  type Engine,
  type Space,
} from "./engines.ts";

/** Creates the space for a run in every engine that can be reached, and returns these engines. */
export async function prepare({ name }: Space): Promise<Set<Engine>> {
  const reached = new Set<Engine>(["memory", "sqlite"]);
  const attempt = async (label: string, engines: readonly Engine[], act: () => Promise<unknown>) => {
    try {
      await act();
      for (const engine of engines) reached.add(engine);
    } catch (error) {
      const { code } = error as { code?: string };
      console.error(`No ${label} here (${code ?? String(error)}): its cells show a dash.`);
    }
  };
  await attempt("Redis", ["redis", "ioredis"], async () => (await openRedis()).destroy());
  await attempt("PostgreSQL", ["postgres"], () =>
    inPostgres(`CREATE SCHEMA ${name}; CREATE SCHEMA ${name}_js`),
  );
  await attempt("MariaDB", ["mariadb"], () => inMysql(`CREATE DATABASE ${name}`));
  for (const engine of BORROWED) {
    if (engine === "postgres.js" && !reached.has("postgres")) continue;
    await attempt(engine, [engine], () => reachBorrowed(engine));
  }
  return reached;
}

/** Removes everything that a run has stored in the engines. */
export async function clear(space: Space, reached: ReadonlySet<Engine>): Promise<void> {
  const { name, folder } = space;
  if (reached.has("redis")) {
    const redis = await openRedis();
    await unlinkAll(redis, keyPrefix(space));
    redis.destroy();
  }
  if (reached.has("postgres")) await inPostgres(`DROP SCHEMA ${name}, ${name}_js CASCADE`);
  if (reached.has("mariadb")) await inMysql(`DROP DATABASE ${name}`);
  rmSync(folder, { recursive: true, force: true });
}

async function inPostgres(statement: string): Promise<void> {
  const pool = new PostgresPool({ connectionString: POSTGRES, max: 1 });
  await pool.query(statement).finally(() => pool.end());
}

async function inMysql(statement: string): Promise<void> {
  const pool = createPool({ uri: MYSQL, connectionLimit: 1 });
  await pool.query(statement).finally(() => pool.end());
}
