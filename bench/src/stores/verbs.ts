import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import expressSession, { type SessionData, type Store as ExpressStore } from "express-session";
import type { Store } from "../../../dist/stores/contract.js";
import { counter } from "../workloads.ts";
import { bareVerbs } from "./bare-verbs.ts";
import { dataOf, IDLE, keysOf, newCommit, textOf, type StoredSize } from "./data.ts";
import { keyPrefix, openPostgres, openRedis, type Engine, type Space } from "./engines.ts";
import { inTurn, type Verbs } from "./in-flight.ts";
import { openStore } from "./open-store.ts";
import { BARE, US } from "./subjects.ts";

/** Opens something that keeps sessions, or the bare engine beneath; called for a session of some size, it gives its verbs. */
export async function openVerbs(
  engine: Engine,
  name: string,
  space: Space,
): Promise<(size: StoredSize) => Promise<Verbs>> {
  if (name === BARE) return bareVerbs(engine, space);
  if (name === US) {
    const store = await openStore(engine, space);
    return (size) => ourVerbs(store, size);
  }
  const store = await openPeer(name, space);
  return (size) => theirVerbs(store, size);
}

/** A store for express-session, or for @fastify/session, which takes the same ones. */
export async function openPeer(name: string, space: Space): Promise<ExpressStore> {
  switch (name) {
    case "connect-redis":
      return new RedisStore({ client: await openRedis(), prefix: `${keyPrefix(space)}connect:` });
    case "connect-pg-simple": {
      const PgStore = connectPgSimple(expressSession);
      return new PgStore({
        pool: openPostgres(space),
        tableName: "connect",
        createTableIfMissing: true,
        pruneSessionInterval: false,
      });
    }
    default:
      return new expressSession.MemoryStore();
  }
}

/** The steps of a store; each save replaces what the one before it wrote. */
export async function ourVerbs(store: Store, size: StoredSize): Promise<Verbs> {
  const text = textOf(size);
  const records = keysOf(size).map((key) => ({ key, commit: newCommit() }));
  for (const { key, commit } of records) await store.insert(key, { text, commit, lifetime: IDLE });
  return {
    load: inTurn(records, async ({ key }) => {
      if ((await store.read(key)) === undefined) throw new Error("The record is gone.");
    }),
    save: inTurn(records, async (record) => {
      const commit = newCommit();
      const { status } = await store.replace(record.key, record.commit, { text, commit, lifetime: IDLE });
      if (status !== "ok") throw new Error(`The record is ${status}.`);
      record.commit = commit;
    }),
  };
}

/** Called as express-session calls them. */
async function theirVerbs(store: ExpressStore, size: StoredSize): Promise<Verbs> {
  const ids = keysOf(size);
  const next = counter();
  const cookie = { originalMaxAge: IDLE * 1000, httpOnly: true, path: "/" };
  const session = { cookie, ...dataOf(size) } as unknown as SessionData & { visits: number };
  const save = (id: string) =>
    new Promise<void>((resolve, reject) => {
      session.visits = next();
      void store.set(id, session, (error: unknown) => (error ? reject(error as Error) : resolve()));
    });
  for (const id of ids) await save(id);
  return {
    save: inTurn(ids, save),
    load: inTurn(
      ids,
      (id) =>
        new Promise<void>((resolve, reject) => {
          void store.get(id, (error: unknown, found) =>
            found ? resolve() : reject((error as Error | null) ?? new Error("The session is gone.")),
          );
        }),
    ),
  };
}
