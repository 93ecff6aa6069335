import { createHash } from "node:crypto";
import { join } from "node:path";
import { mysqlStore } from "../../../dist/stores/mysql.js";
import { postgresStore } from "../../../dist/stores/postgres.js";
import type { SqlStore } from "../../../dist/stores/sql.js";
import { sqliteStore } from "../../../dist/stores/sqlite.js";
import { IDLE, newCommit, textOf } from "./data.ts";
import { openMysql, openPostgres, sqliteBytes, type Space } from "./engines.ts";
import { costOfUse, fill, type Known } from "./filling.ts";
import { decades, FEWEST, type Growth, type Level } from "./growth.ts";

/** A million would take minutes here: each session is a row at a random place of a clustered table. */
const MOST_IN_CLUSTERED = 100_000;

export async function growInSqlite(most: number, space: Space): Promise<Omit<Growth, "subject">> {
  const name = "growth.db";
  const store = sqliteStore(join(space.folder, name));
  const { levels } = await fill(store, Math.min(most, MOST_IN_CLUSTERED), () => sqliteBytes(space, name));
  await store.close!();
  return { levels };
}

export async function growInPostgres(most: number, space: Space): Promise<Omit<Growth, "subject">> {
  const pool = openPostgres(space);
  const levels = await growInSql(postgresStore(pool), most, {
    copy: (columns, from, to) =>
      pool.query(
        `INSERT INTO hipflask_sessions SELECT ${columns} FROM hipflask_sessions, generate_series(${from}, ${to}) AS n WHERE id = 'template'`,
      ),
    async bytes() {
      const { rows } = await pool.query(
        "SELECT pg_total_relation_size('hipflask_sessions')::float8 AS bytes",
      );
      return (rows[0] as { bytes: number }).bytes;
    },
  });
  await pool.end();
  return { levels };
}

export async function growInMysql(most: number, space: Space): Promise<Omit<Growth, "subject">> {
  const pool = openMysql(space);
  const digits =
    "SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9";
  const numbers = `SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d AS n FROM ${[..."abcefg"].map((name) => `(${digits}) ${name}`).join(", ")}`;
  const levels = await growInSql(mysqlStore(pool), Math.min(most, MOST_IN_CLUSTERED), {
    copy: (columns, from, to) =>
      pool.query(
        `INSERT INTO hipflask_sessions SELECT ${columns} FROM hipflask_sessions, (${numbers}) numbers WHERE id = 'template' AND n BETWEEN ${from} AND ${to}`,
      ),
    async bytes() {
      await pool.query("ANALYZE TABLE hipflask_sessions");
      const [rows] = await pool.query(
        "SELECT data_length + index_length AS bytes FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'hipflask_sessions'",
      );
      return Number((rows as { bytes: number }[])[0]!.bytes);
    },
  });
  await pool.end();
  return { levels };
}

interface Filling {
  /** Copies the record "template" many times, so that the store need not be asked a million times. */
  copy(columns: string, from: number, to: number): Promise<unknown>;
  bytes(): Promise<number>;
}

export async function growInSql(store: SqlStore, most: number, { copy, bytes }: Filling): Promise<Level[]> {
  await store.migrate();
  const commit = newCommit();
  await store.insert("template", { text: textOf(300), commit, lifetime: IDLE });
  const columns = "SUBSTR(MD5(CAST(n AS CHAR(9))), 1, 16), commit_id, record, expires_at, sweep_at + n";
  const levels: Level[] = [];
  const commits = new Map<number, Known>();
  let filled = 0;
  for (const sessions of decades(most)) {
    await copy(columns, filled, sessions - 1);
    filled = sessions;
    const used = await bytes();
    const known = Array.from({ length: FEWEST }, (_, at) => {
      const n = (at * 7919) % sessions;
      const record = commits.get(n) ?? { key: keyOf(n), commit };
      commits.set(n, record);
      return record;
    });
    const cost = await costOfUse(store, known);
    levels.push({ sessions, cost, bytesPerSession: used / sessions });
  }
  return levels;
}

/** As random as selectors are, and known from a number, so that any of a million can be used. */
function keyOf(n: number): string {
  return createHash("md5").update(String(n)).digest("hex").slice(0, 16);
}
