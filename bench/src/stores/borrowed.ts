import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import type { Store } from "../../../dist/stores/contract.js";
import { memcachedStore } from "../../../dist/stores/memcached.js";
import { sqlStore, type SqlHandle, type SqlStore } from "../../../dist/stores/sql.js";
import { counter } from "../workloads.ts";
import { IDLE, keysOf, textOf, type StoredSize } from "./data.ts";
import { BORROWED, keyPrefix, POSTGRES, type Borrowed, type Space } from "./engines.ts";
import { inTurn, type Verbs } from "./in-flight.ts";
import { fill } from "./filling.ts";
import type { Growth } from "./growth.ts";
import { growInSql } from "./growth-sql.ts";

const MEMCACHED = process.env["MEMCACHED_SERVER"] ?? "127.0.0.1:11211";
const require = createRequire(new URL("../../../test/databases/package.json", import.meta.url));

/** A store on such an engine, and a plain read and a plain write beneath it. */
interface Opened {
  readonly store: Store;
  /** Called once before the others. */
  prepare(): Promise<unknown>;
  insert(key: string, text: string): Promise<unknown>;
  load(key: string): Promise<unknown>;
  save(key: string, text: string): Promise<unknown>;
}

export const isBorrowed = (engine: string): engine is Borrowed => BORROWED.includes(engine as Borrowed);

/** @throws if the client or the engine is not there */
export async function reachBorrowed(engine: Borrowed): Promise<void> {
  const packages = { "postgres.js": "postgres", pglite: "@electric-sql/pglite", memcached: "memcached" };
  require.resolve(engine === "libsql client" ? "@libsql/client" : packages[engine]);
  if (engine !== "memcached") return;
  const [host, port] = MEMCACHED.split(":");
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), host, () => resolve(void socket.destroy()));
    socket.once("error", reject);
  });
}

export async function openBorrowedStore(engine: Borrowed, space: Space): Promise<Store> {
  const { store } = open(engine, space);
  await store.migrate?.();
  return store;
}

export async function bareBorrowed(
  engine: Borrowed,
  space: Space,
): Promise<(size: StoredSize) => Promise<Verbs>> {
  const { prepare, insert, load, save } = open(engine, space);
  await prepare();
  return async (size) => {
    const [keys, text] = [keysOf(size), textOf(size)];
    for (const key of keys) await insert(key, text);
    return { load: inTurn(keys, load), save: inTurn(keys, (key) => save(key, text)) };
  };
}

/** PGlite keeps its tables in the memory of its process. */
const MOST_IN_PGLITE = 100_000;
/** More would not fit into the 64 MB that Memcached takes by itself. */
const MOST_IN_MEMCACHED = 10_000;

export async function growInPglite(most: number): Promise<Omit<Growth, "subject">> {
  const db = new (require("@electric-sql/pglite").PGlite)();
  const levels = await growInSql(sqlStore(db as SqlHandle), Math.min(most, MOST_IN_PGLITE), {
    copy: (columns, from, to) =>
      db.query(
        `INSERT INTO hipflask_sessions SELECT ${columns} FROM hipflask_sessions, generate_series(${from}, ${to}) AS n WHERE id = 'template'`,
      ),
    async bytes() {
      const { rows } = await db.query("SELECT pg_total_relation_size('hipflask_sessions')::float8 AS bytes");
      return rows[0].bytes;
    },
  });
  await db.close();
  return { levels };
}

export async function growInMemcached(most: number, space: Space): Promise<Omit<Growth, "subject">> {
  const client = new (require("memcached"))(MEMCACHED, { retries: 0, remove: false, poolSize: 100 });
  const store = memcachedStore(client, { prefix: keyPrefix(space) });
  const { levels } = await fill(store, Math.min(most, MOST_IN_MEMCACHED), async () => {
    const [stats] = (await answer((done) => client.stats(done))) as [{ bytes: number }];
    return stats.bytes;
  });
  client.end();
  return { levels };
}

function open(engine: Borrowed, space: Space): Opened {
  switch (engine) {
    case "postgres.js": {
      const settings = { connection: { search_path: `${space.name}_js` }, max: 8, onnotice: () => {} };
      const sql = require("postgres")(POSTGRES, settings);
      return onSql(sql, "bare", (text, values) => sql.unsafe(text, values, { prepare: values.length > 0 }));
    }
    case "pglite": {
      const db = new (require("@electric-sql/pglite").PGlite)();
      return onSql(db, "bare", (text, values) => db.query(text, values));
    }
    case "libsql client": {
      const client = require("@libsql/client").createClient({
        url: `file:${join(space.folder, "client.db")}`,
      });
      return onSql(client, "bare", (text, values) =>
        client.execute({ sql: text.replaceAll(/\$\d/g, "?"), args: values }),
      );
    }
    case "memcached":
      return onMemcached(space);
  }
}

function onSql(
  handle: SqlHandle,
  table: string,
  run: (text: string, values: unknown[]) => Promise<unknown>,
): Opened {
  const store: SqlStore = sqlStore(handle);
  const next = counter();
  return {
    store,
    prepare: () => run(`CREATE TABLE ${table} (id TEXT PRIMARY KEY, data TEXT NOT NULL, expires BIGINT)`, []),
    insert: (key, text) => run(`INSERT INTO ${table} (id, data, expires) VALUES ($1, $2, 0)`, [key, text]),
    load: (key) => run(`SELECT data FROM ${table} WHERE id = $1`, [key]),
    // SQLite writes nothing where nothing changes.
    save: (key, text) =>
      run(`UPDATE ${table} SET data = $1, expires = $2 WHERE id = $3`, [text, next(), key]),
  };
}

function answer(send: (done: (error: unknown, result: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) =>
    send((error, result) => (error ? reject(error as Error) : resolve(result))),
  );
}

function onMemcached(space: Space): Opened {
  const client = new (require("memcached"))(MEMCACHED, { retries: 0, remove: false, poolSize: 100 });
  const prefix = `${keyPrefix(space)}bare:`;
  const save = (key: string, text: string) => answer((done) => client.set(prefix + key, text, IDLE, done));
  return {
    store: memcachedStore(client, { prefix: keyPrefix(space) }),
    prepare: async () => {},
    insert: save,
    load: (key) => answer((done) => client.get(prefix + key, done)),
    save,
  };
}
