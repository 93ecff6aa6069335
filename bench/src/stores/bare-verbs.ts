import { bareBorrowed, isBorrowed } from "./borrowed.ts";
import { IDLE, keysOf, textOf, type StoredSize } from "./data.ts";
import {
  keyPrefix,
  openIoRedis,
  openMysql,
  openPostgres,
  openRedis,
  openSqliteFile,
  type Engine,
  type NodeRedis,
  type Space,
} from "./engines.ts";
import { inTurn, type Verbs } from "./in-flight.ts";

type Open = (size: StoredSize) => Promise<Verbs>;

/** What a plain read and a plain write of as many bytes take: a `GET` and a `SET`, a `SELECT` and an `UPDATE` by key. */
export async function bareVerbs(engine: Engine, space: Space): Promise<Open> {
  if (isBorrowed(engine)) return bareBorrowed(engine, space);
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
    const [ids, text] = [keysOf(size), textOf(size)];
    for (const id of ids) insert.run(id, text);
    return {
      load: inTurn(ids, async (id) => select.all(id)),
      save: inTurn(ids, async (id) => update.run(text, Date.now(), id)),
    };
  };
}

async function redis(space: Space): Promise<Open> {
  const client = await openRedis();
  return async (size) => bareRedis(client, keyPrefix(space), size);
}

/** A `GET` and a `SET`. */
export async function bareRedis(client: NodeRedis, prefix: string, size: StoredSize): Promise<Verbs> {
  const [keys, text] = [keysOf(size).map((key) => `${prefix}bare:${key}`), textOf(size)];
  const save = (key: string) => client.set(key, text, { expiration: { type: "EX", value: IDLE } });
  await Promise.all(keys.map(save));
  return { load: inTurn(keys, (key) => client.get(key)), save: inTurn(keys, save) };
}

async function ioredis(space: Space): Promise<Open> {
  const client = await openIoRedis();
  return async (size) => {
    const [keys, text] = [keysOf(size).map((key) => `${keyPrefix(space)}bare:${key}`), textOf(size)];
    const save = (key: string) => client.set(key, text, "EX", IDLE);
    await Promise.all(keys.map(save));
    return { load: inTurn(keys, (key) => client.get(key)), save: inTurn(keys, save) };
  };
}

async function postgres(space: Space): Promise<Open> {
  const pool = openPostgres(space);
  await pool.query("CREATE TABLE bare (id text PRIMARY KEY, data text NOT NULL, expires bigint)");
  return async (size) => {
    const [ids, text] = [keysOf(size), textOf(size)];
    for (const id of ids) await pool.query("INSERT INTO bare VALUES ($1, $2, 0)", [id, text]);
    const update = "UPDATE bare SET data = $1, expires = $2 WHERE id = $3";
    return {
      load: inTurn(ids, (id) => pool.query("SELECT data FROM bare WHERE id = $1", [id])),
      save: inTurn(ids, (id) => pool.query(update, [text, Date.now(), id])),
    };
  };
}

async function mariadb(space: Space): Promise<Open> {
  const pool = openMysql(space);
  await pool.query(
    "CREATE TABLE bare (id VARCHAR(64) PRIMARY KEY, data MEDIUMTEXT NOT NULL, expires BIGINT)",
  );
  return async (size) => {
    const [ids, text] = [keysOf(size), textOf(size)];
    for (const id of ids) await pool.execute("INSERT INTO bare VALUES (?, ?, 0)", [id, text]);
    const update = "UPDATE bare SET data = ?, expires = ? WHERE id = ?";
    return {
      load: inTurn(ids, (id) => pool.execute("SELECT data FROM bare WHERE id = ?", [id])),
      save: inTurn(ids, (id) => pool.execute(update, [text, Date.now(), id])),
    };
  };
}
