import { describe, expect, it } from "vitest";
import { StoreError } from "../errors.ts";
import { memoryStore } from "./memory.ts";
import { isDropped } from "./store-error.ts";
import type { Store } from "./store.ts";
import { withTimeLimit } from "./time-limit.ts";

const write = { text: "1", commit: "AAAAAAAAAAAAAAAA", lifetime: 60 };
const never = () => new Promise<never>(() => {});

function rejection(act: () => Promise<unknown>): Promise<unknown> {
  return act().then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A store of which every step does this. */
function everyStep(act: () => Promise<never>): Required<Pick<Store, keyof typeof STEPS>> & Store {
  return {
    name: "Redis at 127.0.0.1:6379",
    atomic: true,
    read: act,
    insert: act,
    replace: act,
    remove: act,
    readMany: act,
    removeExpired: act,
    now: act,
  };
}

const STEPS = {
  read: (store) => store.read("k"),
  insert: (store) => store.insert("k", write),
  replace: (store) => store.replace("k", write.commit, write),
  remove: (store) => store.remove("k"),
  readMany: (store) => store.readMany!(["k"], 10),
  removeExpired: (store) => store.removeExpired!(10),
  now: async (store) => store.now!(),
} satisfies Record<string, (store: Store) => Promise<unknown>>;

describe("withTimeLimit", () => {
  it.each(Object.entries(STEPS))(
    "ends %s of a store that hangs, and names it (SEC-36)",
    async (verb, step) => {
      const error = await rejection(() => step(withTimeLimit(everyStep(never), { seconds: 0.02 })));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({
        reason: "timeout",
        message: `Redis at 127.0.0.1:6379 did not answer "${verb}" within 0.02 seconds.`,
      });
    },
  );

  it.each(Object.entries(STEPS))("repeats no %s whose connection was dropped", async (verb, step) => {
    let calls = 0;
    const failures: string[] = [];
    const dropped = async () => {
      calls++;
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    };
    const store = withTimeLimit(everyStep(dropped), { onFailure: (name) => failures.push(name) });
    const error = await rejection(() => step(store));
    expect(error).toMatchObject({
      reason: "unavailable",
      message: `Redis at 127.0.0.1:6379 could not "${verb}": read ECONNRESET`,
    });
    expect([isDropped(error), calls, failures]).toEqual([true, 1, [verb]]);
  });

  it("passes answers on, and offers what the store offers", async () => {
    const memory = memoryStore({ now: () => 42 });
    const store = withTimeLimit(memory);
    expect(await store.insert("k", write)).toBe(true);
    expect(await store.read("k")).toMatchObject({ text: "1" });
    expect(store.now!()).toBe(42);
    expect(Object.keys(store).sort()).toEqual(
      ["atomic", "insert", "name", "now", "read", "readMany", "remove", "removeExpired", "replace"].sort(),
    );
  });

  it("passes on nothing of what a driver attached to its error", async () => {
    const failing = everyStep(async () => {
      throw Object.assign(new Error("syntax error\nat 'secret'"), {
        code: "42601",
        sql: "SELECT 'secret'",
        parameters: ["secret"],
      });
    });
    const error = (await rejection(() => withTimeLimit(failing).read("k"))) as StoreError;
    expect(error).toMatchObject({ reason: "unavailable", cause: { code: "42601" } });
    expect(JSON.stringify([error, error.cause], allNames(error, error.cause as Error))).not.toContain(
      "secret",
    );
    expect(isDropped(error)).toBe(false);
  });
});

function allNames(...errors: Error[]): string[] {
  return errors.flatMap((error) => Object.getOwnPropertyNames(error)).filter((name) => name !== "stack");
}
