import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import session, { type SessionStore } from "../../src/express-session.ts";
import { reachable } from "../services/service.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { open, quiet, type Site } from "./site.ts";

const { skip, note, require } = ecosystem();
const unique = `hipflask_dropin_${process.pid}_${Date.now()}`;
const cleanUp: (() => unknown)[] = [];

afterAll(async () => {
  for (const act of cleanUp.toReversed()) await act();
});

/** Makes the store for one library's `session`, as its documentation says. */
type StoreOf = (library: typeof session) => SessionStore | Promise<SessionStore>;

const folder = mkdtempSync(join(tmpdir(), "hipflask-"));
cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
let inMemory: SessionStore | undefined;

const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";

const stores: Record<string, { here?: { skip: boolean; note: string }; storeOf: StoreOf }> = {
  "connect-redis": {
    here: await reachable("Redis", "REDIS_URL", redisUrl),
    // It extends the real express-session's Store, whatever it is used with.
    async storeOf() {
      const { createClient } = require("redis") as {
        createClient(options: object): Redis & { destroy(): void };
      };
      const client = createClient({ url: redisUrl });
      await client.connect();
      const { RedisStore } = require("connect-redis") as {
        RedisStore: new (options: object) => SessionStore & { clear(): Promise<void> };
      };
      const store = new RedisStore({ client, prefix: `${unique}:` });
      cleanUp.push(async () => {
        await store.clear();
        client.destroy();
      });
      return store;
    },
  },
  "connect-pg-simple": {
    here: await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl),
    async storeOf(library) {
      const { Pool } = require("pg") as typeof import("pg");
      const pool = new Pool({ connectionString: postgresUrl });
      await pool.query(`CREATE SCHEMA IF NOT EXISTS ${unique}`);
      const Store = (require("connect-pg-simple") as (library: unknown) => new (options: object) => Closing)(
        library,
      );
      const store = new Store({ pool, schemaName: unique, createTableIfMissing: true });
      cleanUp.push(async () => {
        store.close();
        await pool.query(`DROP SCHEMA IF EXISTS ${unique} CASCADE`);
        await pool.end();
      });
      return store;
    },
  },
  memorystore: {
    storeOf(library) {
      const Store = (require("memorystore") as (library: unknown) => new (options: object) => SessionStore)(
        library,
      );
      return (inMemory ??= new Store({ max: 100 }));
    },
  },
  "session-file-store": {
    storeOf(library) {
      const Store = (
        require("session-file-store") as (library: unknown) => new (options: object) => SessionStore
      )(library);
      return new Store({ path: folder, retries: 0, reapInterval: -1, logFn: () => {} });
    },
  },
  "express-mysql-session": {
    here: await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl),
    async storeOf(library) {
      const { hostname, port, username, password, pathname } = new URL(mysqlUrl);
      const Store = (
        require("express-mysql-session") as (library: unknown) => new (options: object) => Closing & {
          onReady(): Promise<void>;
          query(text: string): Promise<unknown>;
        }
      )(library);
      const store = new Store({
        host: hostname,
        port: Number(port),
        user: username,
        password,
        database: pathname.slice(1),
        schema: { tableName: unique },
      });
      await store.onReady();
      cleanUp.push(async () => {
        await store.query(`DROP TABLE IF EXISTS ${unique}`);
        await store.close();
      });
      return store;
    },
  },
};

type Closing = SessionStore & { close(): unknown };

async function siteOf(library: typeof session, storeOf: StoreOf): Promise<Site> {
  const options = { ...quiet, store: await storeOf(library), cookie: { maxAge: 60_000 } };
  return open(
    options,
    (req, res, next) => {
      const answer = (): void =>
        void res.json([req.session?.count ?? 0, req.session?.cart ?? [], req.session?.cookie.originalMaxAge]);
      const then = (error?: unknown): void => (error ? next(error) : answer());
      if (req.path === "/read") return answer();
      if (req.path === "/logout") return void req.session.destroy(then);
      if (req.path === "/reload") return void req.session.reload(then);
      if (req.path === "/login") {
        const { cart } = req.session;
        return void req.session.regenerate((error) => {
          if (cart) req.session.cart = cart;
          then(error);
        });
      }
      req.session.count = (req.session.count ?? 0) + 1;
      req.session.cart = ["tea", "ünïcode ☕"];
      return answer();
    },
    library(options),
  );
}

for (const [name, { here = { skip: false, note: "" }, storeOf }] of Object.entries(stores)) {
  describe.skipIf(skip || here.skip)(`${name}, unchanged${note || here.note}`, () => {
    it("holds sessions that express-session began, and those that it goes on with", async () => {
      const real = require("express-session") as typeof session;
      const [theirs, ours] = [await siteOf(real, storeOf), await siteOf(session, storeOf)];
      const cart = ["tea", "ünïcode ☕"];
      const minute = expect.closeTo(60_000, -2) as number;
      const see = async (site: Site, path: string) => {
        const { status, body } = await site.get(path);
        expect([status, site.errors]).toEqual([200, []]);
        return JSON.parse(body) as unknown[];
      };

      expect(await see(theirs, "/count")).toEqual([1, cart, minute]);
      ours.cookie = theirs.cookie;
      expect(await see(ours, "/read")).toEqual([1, cart, minute]);
      expect(await see(ours, "/count")).toEqual([2, cart, minute]);
      expect(await see(theirs, "/count")).toEqual([3, cart, minute]);
      expect(await see(ours, "/reload")).toEqual([3, cart, minute]);

      expect(await see(ours, "/login")).toEqual([0, cart, minute]);
      expect(ours.cookie).not.toBe(theirs.cookie);
      expect(await see(theirs, "/read")).toEqual([0, [], minute]);

      theirs.cookie = ours.cookie;
      expect(await see(theirs, "/read")).toEqual([0, cart, minute]);
      expect(await see(ours, "/logout")).toEqual([0, [], null]);
      expect(await see(theirs, "/read")).toEqual([0, [], minute]);
    });
  });
}
