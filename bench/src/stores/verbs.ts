import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import expressSession, { type SessionData, type Store } from "express-session";
import type { SessionStore } from "../../../dist/stores/store.js";
import { counter } from "../workloads.ts";
import { bareVerbs } from "./bare-verbs.ts";
import { dataOf, fieldsOf, IDLE, newSession, type StoredSize } from "./data.ts";
import { keyPrefix, openPostgres, openRedis, type Engine, type Space } from "./engines.ts";
import { openStore } from "./open-store.ts";
import { BARE, US } from "./subjects.ts";

/** One session, to be loaded and saved over and over. */
export interface Verbs {
  readonly load: () => Promise<unknown>;
  readonly save: () => Promise<unknown>;
}

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
export async function openPeer(name: string, space: Space): Promise<Store> {
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

/** A request's two calls: read the record; write the one key that changed, and that somebody was here. */
async function ourVerbs(store: SessionStore, size: StoredSize): Promise<Verbs> {
  const session = newSession(fieldsOf(size));
  await store.create(session);
  const { selector, verifierHash } = session;
  const next = counter();
  return {
    async load() {
      const found = await store.read(selector);
      if (found.status !== "ok") throw new Error(`The session is ${found.status}.`);
    },
    async save() {
      const change = { set: new Map([["visits", String(next())]]), expiry: { idle: IDLE } };
      const { status } = await store.patch(selector, verifierHash, change);
      if (status !== "ok") throw new Error(`The session is ${status}.`);
    },
  };
}

/** Called as express-session calls them. */
async function theirVerbs(store: Store, size: StoredSize): Promise<Verbs> {
  const id = `bench-${size}`;
  const next = counter();
  const cookie = { originalMaxAge: IDLE * 1000, httpOnly: true, path: "/" };
  const session = { cookie, ...dataOf(size) } as unknown as SessionData & { visits: number };
  const save = () =>
    new Promise<void>((resolve, reject) => {
      session.visits = next();
      void store.set(id, session, (error: unknown) => (error ? reject(error as Error) : resolve()));
    });
  await save();
  return {
    save,
    load: () =>
      new Promise<void>((resolve, reject) => {
        void store.get(id, (error: unknown, found) =>
          found ? resolve() : reject((error as Error | null) ?? new Error("The session is gone.")),
        );
      }),
  };
}
