import { describe, expect, it } from "vitest";
import { StoreError } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { newToken } from "../../src/stores/token.ts";
import { faultyStore, storeContract } from "../../src/testing.ts";

const fresh = () => ({ ...newToken(), fields: new Map([["a", "1"]]), expiry: { idle: 60 } });

describe("faultyStore", () => {
  it("fails one verb until it recovers, and leaves the others alone", async () => {
    const store = faultyStore(memoryStore());
    const session = fresh();
    await store.create(session);
    store.fail("read");
    await expect(store.read(session.selector)).rejects.toThrow(StoreError);
    expect((await store.destroy(session.selector)).status).toBe("ok");
    store.recover("read");
    expect((await store.read(session.selector)).status).toBe("gone");
  });

  it("throws like a driver with a defect", () => {
    const store = faultyStore(memoryStore());
    store.fail("all", "throws");
    expect(() => store.list("ada")).toThrow(TypeError);
    expect(() => store.deleteExpired(1)).toThrow(TypeError);
  });

  it("never answers, if told to hang", async () => {
    const store = faultyStore(memoryStore());
    store.fail("live", "hangs");
    expect(await Promise.race([store.live([]), Promise.resolve("still waiting")])).toBe("still waiting");
  });

  it("does its work and loses the answer", async () => {
    const store = faultyStore(memoryStore());
    const session = fresh();
    store.fail("create", "lost-answer");
    await expect(store.create(session)).rejects.toMatchObject({ reason: "timeout" });
    store.recover();
    expect((await store.create(session)).status).toBe("conflict");
  });
});

// While nothing fails it is the store that it stands before.
storeContract({ describe, it }, ({ clock }) => ({ store: faultyStore(memoryStore({ now: clock.now })) }), {
  scale: 0.01,
});
