import { dataOf, IDLE, type StoredSize } from "./data.ts";
import {
  keyPrefix,
  openIoRedis,
  openMysql,
  openPostgres,
  openRedis,
  openSqliteFile,
  type Engine,
  type Space,
} from "./engines.ts";
import type { Verbs } from "./verbs.ts";

type Open = (size: StoredSize) => Promise<Verbs>;

/** What a plain read and a plain write of as many bytes take: a `GET` and a `SET`, a `SELECT` and an `UPDATE` by key. */
export async function bareVerbs(engine: Engine, space: Space): Promise<Open> {
  switch (engine) {
    case "sqlite":
      return sqlite(space);
    case "redis":
      return redis(space);
    case "ioredis":
      return ioredis(space);
    case "postgres":
      return postgres(space);
    case "mariadb":
      return mariadb(space);
    default:
      throw new Error("There is nothing beneath a store in memory.");
  }
}

async function sqlite(space: Space): Promise<Open> {
  const db = await openSqliteFile(space, "bare.db");
  db.exec("CREATE TABLE bare (id TEXT PRIMARY KEY, data TEXT NOT NULL, expires INTEGER) WITHOUT ROWID");
  const insert = db.prepare("INSERT INTO bare VALUES (?, ?, 0)");
  const select = db.prepare("SELECT data FROM bare WHERE id = ?");
  const update = db.prepare("UPDATE bare SET data = ?, expires = ? WHERE id = ?");
  return async (size) => {
    const [id, text] = [`s${size}`, JSON.stringify(dataOf(size))];
    insert.run(id, text);
    return { load: async () => select.all(id), save: async () => update.run(text, Date.now(), id) };
  };
}

async function redis(space: Space): Promise<Open> {
  const client = await openRedis();
  return async (size) => {
    const [key, text] = [`${keyPrefix(space)}bare:${size}`, JSON.stringify(dataOf(size))];
    const save = () => client.set(key, text, { expiration: { type: "EX", value: IDLE } });
    await save();
    return { load: () => client.get(key), save };
  };
}

async function ioredis(space: Space): Promise<Open> {
  const client = await openIoRedis();
  return async (size) => {
    const [key, text] = [`${keyPrefix(space)}bare:${size}`, JSON.stringify(dataOf(size))];
    const save = () => client.set(key, text, "EX", IDLE);
    await save();
    return { load: () => client.get(key), save };
  };
}

async function postgres(space: Space): Promise<Open> {
  const pool = openPostgres(space);
  await pool.query("CREATE TABLE bare (id text PRIMARY KEY, data jsonb NOT NULL, expires bigint)");
  return async (size) => {
    const [id, text] = [`s${size}`, JSON.stringify(dataOf(size))];
    await pool.query("INSERT INTO bare VALUES ($1, $2, 0)", [id, text]);
    const update = "UPDATE bare SET data = $1, expires = $2 WHERE id = $3";
    return {
      load: () => pool.query("SELECT data::text FROM bare WHERE id = $1", [id]),
      save: () => pool.query(update, [text, Date.now(), id]),
    };
  };
}

async function mariadb(space: Space): Promise<Open> {
  const pool = openMysql(space);
  await pool.query("CREATE TABLE bare (id VARCHAR(64) PRIMARY KEY, data JSON NOT NULL, expires BIGINT)");
  return async (size) => {
    const [id, text] = [`s${size}`, JSON.stringify(dataOf(size))];
    await pool.execute("INSERT INTO bare VALUES (?, ?, 0)", [id, text]);
    const update = "UPDATE bare SET data = ?, expires = ? WHERE id = ?";
    return {
      load: () => pool.execute("SELECT data FROM bare WHERE id = ?", [id]),
      save: () => pool.execute(update, [text, Date.now(), id]),
    };
  };
}
