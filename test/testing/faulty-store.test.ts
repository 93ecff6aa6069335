import { describe, expect, it } from "vitest";
import { StoreError } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore, storeContract } from "../../src/testing.ts";

const write = (commit: string) => ({ text: "text", commit: commit.repeat(16), lifetime: 60 });

describe("faultyStore", () => {
  it("fails one step until it recovers, and leaves the others alone", async () => {
    const store = faultyStore(memoryStore());
    await store.insert("key", write("A"));
    store.fail("read");
    await expect(store.read("key")).rejects.toThrow(StoreError);
    expect(await store.remove("key")).toEqual({ status: "ok" });
    store.recover("read");
    expect(await store.read("key")).toBeUndefined();
  });

  it("throws like a driver with a defect", () => {
    const store = faultyStore(memoryStore());
    store.fail("all", "throws");
    expect(() => store.read("key")).toThrow(TypeError);
    expect(() => store.removeExpired!(1)).toThrow(TypeError);
  });

  it("never answers, if told to hang", async () => {
    const store = faultyStore(memoryStore());
    store.fail("replace", "hangs");
    const waiting = store.replace("key", "A".repeat(16), write("B"));
    expect(await Promise.race([waiting, Promise.resolve("still waiting")])).toBe("still waiting");
  });

  it("does its work and loses the answer, which the commit id then tells", async () => {
    const store = faultyStore(memoryStore());
    await store.insert("key", write("A"));
    store.fail("replace", "lost-answer");
    await expect(store.replace("key", "A".repeat(16), write("B"))).rejects.toMatchObject({
      reason: "timeout",
    });
    store.recover();
    expect(await store.replace("key", "A".repeat(16), write("B"))).toMatchObject({
      status: "conflict",
      current: { commit: "B".repeat(16) },
    });
  });
});

// While nothing fails it is the store that it stands before.
storeContract({ describe, it }, ({ clock }) => ({ store: faultyStore(memoryStore({ now: clock.now })) }), {
  scale: 0.01,
});
