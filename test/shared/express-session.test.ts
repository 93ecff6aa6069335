import { createClient } from "@redis/client";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  expressSessionStore,
  type ExpressCompareAndSet,
  type ExpressSessionBackend,
} from "../../src/express-session/express-session-store.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import type { StoreTools, StoreUnderTest } from "../../src/testing/store-contract.ts";
import { fullScale, reachable } from "../services/service.ts";
import { visitorOf } from "../stores/visitor.ts";
import { session } from "../../src/request/context.ts";
import { ecosystem } from "../support/ecosystem.ts";

const { skip, note, require } = ecosystem();
const urls = {
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  postgres: process.env["POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
};
const redis = await reachable("Redis", "REDIS_URL", urls.redis);
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", urls.postgres);
const capabilities = { corrupts: true, scale: fullScale };
const unique = `hipflask_express_${process.pid}_${Date.now()}`;

type Constructor = new (options: object) => ExpressSessionBackend;

/** The store itself for all of the kit, and its content where the kit has to spoil or see it. */
function under(
  backend: ExpressSessionBackend,
  { clock }: StoreTools,
  compareAndSet?: (write: ExpressCompareAndSet) => Promise<boolean>,
): StoreUnderTest {
  const open = () => expressSessionStore(backend, { now: clock.now, compareAndSet });
  const spoiled = { cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) }, hipflask: 1 };
  return {
    store: open(),
    // Without a comparison only one store may write: in it, steps on one record take turns.
    ...(compareAndSet && { another: open() }),
    corrupt: (selector) => new Promise((done) => void backend.set(selector, spoiled, done)),
    dump: (selector) =>
      new Promise((done) => void backend.get(selector, (_, found) => done(JSON.stringify(found ?? null)))),
  };
}

describe.skipIf(skip)(`expressSessionStore over memorystore${note}`, () => {
  const open = () => new (require("memorystore")({ Store: class {} }) as Constructor)({});

  storeContract({ describe, it }, (tools) => under(open(), tools), capabilities);

  it("is atomic only where it can compare", () => {
    expect(expressSessionStore(open()).atomic).toBe(false);
    expect(expressSessionStore(open(), { compareAndSet: async () => true }).atomic).toBe(true);
  });

  it("keeps the sessions of an app, and refuses to own them", async () => {
    const visitor = visitorOf({ store: expressSessionStore(open()) });
    await visitor.visit(() => (session.cart = ["tea"]));
    await Promise.all(["a", "b", "c"].map((key) => visitor.visit(() => session.set(key, 1))));
    expect(await visitor.data()).toEqual({ cart: ["tea"], a: 1, b: 1, c: 1 });
    await expect(visitor.visit(() => (session.owner = "ada"))).rejects.toMatchObject({ code: "CONFIG" });
    await visitor.visit(() => session.destroy());
    expect(await visitor.data()).toEqual({});
  });

  it("tells the store how long a session lasts", async () => {
    const written: { cookie: { originalMaxAge: number; expires: Date } }[] = [];
    const backend: ExpressSessionBackend = {
      get: (_, done) => done(null, null),
      set: (_, record, done) => (written.push(record), done()),
      destroy: (_, done) => done(),
    };
    const visitor = visitorOf({ store: expressSessionStore(backend), storeOptions: { idleTimeout: 60 } });
    const before = Date.now();
    await visitor.visit(() => (session.a = 1));
    const { originalMaxAge, expires } = written[0]!.cookie;
    expect(originalMaxAge).toBe(60_000);
    expect(expires.getTime() - before - 60_000).toBeLessThan(5000);
  });
});

describe("expressSessionStore", () => {
  const failing = (error: unknown): ExpressSessionBackend => ({
    get: (_, done) => done(error),
    set: (_, __, done) => done(error),
    destroy: (_, done) => done(error),
  });

  it("rejects with what the store says, and takes a missing file for no session", async () => {
    const broken = expressSessionStore(failing(new Error("ECONNREFUSED")));
    await expect(broken.read("a".repeat(16))).rejects.toThrow("ECONNREFUSED");
    const missing = expressSessionStore(
      failing(Object.assign(new Error("no such file"), { code: "ENOENT" })),
    );
    expect(await missing.read("a".repeat(16))).toBeUndefined();
    const garbled = expressSessionStore(failing(new SyntaxError("Unexpected token")));
    expect(await garbled.read("a".repeat(16))).toMatchObject({ text: "" });
    const promising = { ...failing(null), get: () => Promise.reject(new Error("lost")) };
    await expect(expressSessionStore(promising).read("a".repeat(16))).rejects.toThrow("lost");
  });
});

describe("expressSessionStore with a comparison that always fails", () => {
  it("gives up instead of going round for ever", async () => {
    const store = expressSessionStore(
      { get: (_, done) => done(null, record), set: (_, __, done) => done(), destroy: (_, done) => done() },
      { compareAndSet: async () => false },
    );
    const write = { text: "next", commit: "B".repeat(16), lifetime: 60 };
    const record = { hipflask: { commit: "A".repeat(16), text: "x", expiresAt: Infinity } };
    await expect(store.replace("k", "A".repeat(16), write)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await store.insert("k", write)).toBe(false);
  });
});

describe.skipIf(skip || redis.skip)(`expressSessionStore over connect-redis${note || redis.note}`, () => {
  const client = createClient({ url: urls.redis });
  const prefix = `${unique}:`;
  const open = () =>
    new (require("connect-redis") as { RedisStore: Constructor }).RedisStore({ client, prefix });
  beforeAll(async () => void (await client.connect()));
  afterAll(async () => {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*` }))
      if (keys.length > 0) await client.del(keys);
    await client.close();
  });

  describe("in one process", () => {
    storeContract({ describe, it }, (tools) => under(open(), tools), capabilities);
  });

  /** As docs/stores-express.md shows it. */
  const SCRIPT = `
    local stored = redis.call('GET', KEYS[1])
    local commit = stored and cjson.decode(stored).hipflask.commit or ''
    if commit ~= ARGV[1] then return 0 end
    if ARGV[2] == '' then redis.call('DEL', KEYS[1])
    else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
    return 1`;
  const compareAndSet = async ({ sid, expected, next }: ExpressCompareAndSet) => {
    const ttl = String(Math.max(1, Math.ceil(next?.cookie.maxAge ?? 1)));
    const values = [expected ?? "", next === null ? "" : JSON.stringify(next), ttl];
    return (await client.eval(SCRIPT, { keys: [prefix + sid], arguments: values })) === 1;
  };

  describe("with a script that compares", () => {
    storeContract({ describe, it }, (tools) => under(open(), tools, compareAndSet), capabilities);
  });
});

describe.skipIf(skip || postgres.skip)(
  `expressSessionStore over connect-pg-simple${note || postgres.note}`,
  () => {
    const pool = new Pool({ connectionString: urls.postgres, max: 8 });
    const open = () => {
      const Store = (require("connect-pg-simple") as (session: object) => Constructor)({ Store: class {} });
      return new Store({ pool, tableName: unique, createTableIfMissing: true, pruneSessionInterval: false });
    };
    afterAll(async () => {
      await pool.query(`DROP TABLE IF EXISTS ${unique}`);
      await pool.end();
    });

    describe("in one process", () => {
      storeContract({ describe, it }, (tools) => under(open(), tools), capabilities);
    });

    /** As docs/stores-express.md shows it. */
    const compareAndSet = async ({ sid, expected, next }: ExpressCompareAndSet) => {
      const stored = "sid = $1 AND sess -> 'hipflask' ->> 'commit' = $2";
      const values = next && [JSON.stringify(next), next.cookie.expires.getTime() / 1000];
      const { rowCount } =
        values === null
          ? await pool.query(`DELETE FROM ${unique} WHERE ${stored}`, [sid, expected])
          : expected === null
            ? await pool.query(
                `INSERT INTO ${unique} (sid, sess, expire) VALUES ($1, $2, to_timestamp($3)) ON CONFLICT (sid) DO NOTHING`,
                [sid, ...values],
              )
            : await pool.query(`UPDATE ${unique} SET sess = $3, expire = to_timestamp($4) WHERE ${stored}`, [
                sid,
                expected,
                ...values,
              ]);
      return rowCount === 1;
    };

    describe("with statements that compare", () => {
      storeContract({ describe, it }, (tools) => under(open(), tools, compareAndSet), capabilities);
    });
  },
);
