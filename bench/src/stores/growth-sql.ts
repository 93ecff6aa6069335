import { createHash } from "node:crypto";
import { join } from "node:path";
import { mysqlStore } from "../../../dist/stores/mysql.js";
import { postgresStore, type SqlSessionStore } from "../../../dist/stores/postgres.js";
import { sqliteStore } from "../../../dist/stores/sqlite.js";
import { fieldsOf, newSession } from "./data.ts";
import { openMysql, openPostgres, sqliteBytes, type Space } from "./engines.ts";
import { costOfUse, fill } from "./filling.ts";
import { decades, type Growth, type Level } from "./growth.ts";

const COLUMNS =
  "selector, verifier_hash, previous_hash, previous_until, fields, owner, device, created_at, rotated_at, authenticated_at, last_seen_at, expires_at, absolute_at";

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
    copy: (columns, template, from, to) =>
      pool.query(
        `INSERT INTO hipflask_sessions (${COLUMNS}) SELECT ${columns} FROM hipflask_sessions, generate_series(${from}, ${to}) AS n WHERE selector = '${template}'`,
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
    copy: (columns, template, from, to) =>
      pool.query(
        `INSERT INTO hipflask_sessions (${COLUMNS}) SELECT ${columns} FROM hipflask_sessions, (${numbers}) numbers WHERE selector = '${template}' AND n BETWEEN ${from} AND ${to}`,
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
  /** Copies a session many times, so that the store need not be asked a million times. */
  copy(columns: string, template: string, from: number, to: number): Promise<unknown>;
  bytes(): Promise<number>;
}

async function growInSql(store: SqlSessionStore, most: number, { copy, bytes }: Filling): Promise<Level[]> {
  await store.migrate();
  const template = newSession(fieldsOf(300));
  await store.create(template);
  const columns = COLUMNS.replace("selector", "SUBSTR(MD5(CAST(n AS CHAR(9))), 1, 16)").replace(
    "expires_at",
    "expires_at + n",
  );
  const levels: Level[] = [];
  let filled = 0;
  for (const sessions of decades(most)) {
    await copy(columns, template.selector, filled, sessions - 1);
    filled = sessions;
    const { verifierHash } = template;
    const used = await bytes();
    const cost = await costOfUse(store, (at) => ({
      selector: selectorOf((at * 7919) % sessions),
      verifierHash,
    }));
    levels.push({ sessions, cost, bytesPerSession: used / sessions });
  }
  return levels;
}

/** As random as selectors are, and known from a number, so that any of a million can be used. */
function selectorOf(n: number): string {
  return createHash("md5").update(String(n)).digest("hex").slice(0, 16);
}
