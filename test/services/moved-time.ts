import type { Redis } from "ioredis";
import { DIALECTS } from "../../src/stores/sql/dialect.ts";
import type { SqlDatabase } from "../../src/stores/sql.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import type { TestClock } from "../../src/testing/clock.ts";

type Method = (...args: unknown[]) => unknown;

/** The same object, where `before` is awaited ahead of each call of a method. */
export function after<Client extends object>(before: () => Promise<unknown>, client: Client): Client {
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function" || typeof name === "symbol" || name.startsWith("_")) return value;
      return async (...args: unknown[]) => {
        await before();
        return (value as Method).apply(target, args);
      };
    },
  });
}

/** The same database, whose clock runs ahead as `clock` does. */
export function movedSql(database: SqlDatabase, clock: TestClock): SqlDatabase {
  const { now } = DIALECTS[database.dialect];
  return {
    ...database,
    run: (text, values) => database.run(text.replaceAll(now, `(${now} + ${clock.offset()})`), values),
  };
}

/**
 * Lets the keys under a prefix grow older as `clock` moves; to be awaited before each command.
 *
 * @param redis each master there is
 */
export function movedRedis(redis: readonly Redis[], prefix: string, clock: TestClock): () => Promise<void> {
  let moved = 0;
  let moving: Promise<void> = Promise.resolve();
  const age = async (milliseconds: number) => {
    for (const master of redis) {
      for await (const keys of master.scanStream({ match: `${prefix}*`, count: 1000 })) {
        for (const key of keys as string[]) {
          const left = (await master.pttl(key)) - milliseconds;
          if (left > 0) await master.pexpire(key, left);
          else await master.del(key);
        }
      }
    }
  };
  return () => {
    const due = clock.offset() - moved;
    if (due > 0) {
      moved += due;
      moving = moving.then(() => age(due));
    }
    return moving;
  };
}

/** The same store, whose clock is ahead as `clock` is. */
export function movedNow(store: Store, clock: TestClock): Store {
  const now = store.now!.bind(store);
  return Object.assign(store, { now: async () => (await now()) + clock.offset() });
}
