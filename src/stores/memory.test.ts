import { describe, expect, it } from "vitest";
import { storeContract } from "../testing/store-contract.ts";
import { memoryStore } from "./memory.ts";
import { newToken } from "./token.ts";

const session = (idle = 60, size = 0) => ({
  ...newToken(),
  fields: new Map([["a", `"${"x".repeat(size)}"`]]),
  expiry: { idle },
});

describe("memoryStore", () => {
  storeContract({ describe, it }, ({ clock }) => ({ store: memoryStore({ now: clock.now }) }), { scale: 1 });

  it("refuses one session too many, and drops none that it acknowledged", async () => {
    const store = memoryStore({ maxSessions: 3 });
    const kept = [session(), session(), session()];
    for (const one of kept) await store.create(one);
    await expect(store.create(session())).rejects.toMatchObject({ code: "STORE", reason: "full" });
    expect(await store.live(kept.map(({ selector }) => selector))).toHaveLength(3);
    await store.destroy(kept[0]!.selector);
    expect(await store.create(session())).toEqual({ status: "ok" });
  });

  it("refuses one byte too many, also of sessions that grow", async () => {
    const store = memoryStore({ maxBytes: 10_000 });
    const { selector, verifierHash, ...rest } = session(60, 4000);
    await store.create({ selector, verifierHash, ...rest });
    await store.create(session(60, 4000));
    await expect(store.create(session(60, 4000))).rejects.toMatchObject({ reason: "full" });
    const set = new Map([["b", `"${"x".repeat(4000)}"`]]);
    await expect(store.patch(selector, verifierHash, { set })).rejects.toMatchObject({ reason: "full" });
    expect(await store.patch(selector, verifierHash, { set, keep: [] })).toEqual({ status: "ok" });
  });

  it("makes room of what has expired when it is full, without a sweep", async () => {
    let now = 1e12;
    const store = memoryStore({ now: () => now, maxSessions: 2 });
    await store.create(session(10));
    const long = session(100);
    await store.create(long);
    now += 11_000;
    expect(await store.create(session(10))).toEqual({ status: "ok" });
    expect(await store.live([long.selector])).toEqual([long.selector]);
    await expect(store.create(session(10))).rejects.toMatchObject({ reason: "full" });
  });

  it("removes expired sessions in the order of their deadlines, however those moved", async () => {
    let now = 1e12;
    const store = memoryStore({ now: () => now });
    const sessions = Array.from({ length: 300 }, (_, index) => session(1000 + ((index * 7919) % 300)));
    for (const one of sessions) await store.create(one);
    for (const [index, { selector, verifierHash }] of sessions.entries()) {
      if (index % 3 === 0) await store.touch(selector, verifierHash, { idle: 5000 });
      if (index % 3 === 1) await store.touch(selector, verifierHash, { idle: 10 });
      if (index % 10 === 5) await store.destroy(selector);
    }
    now += 11_000;
    expect(await store.deleteExpired(1000)).toBe(90);
    now += 2_000_000;
    expect(await store.deleteExpired(50)).toBe(50);
    expect(await store.deleteExpired(1000)).toBe(40);
    now += 5_000_000;
    expect(await store.deleteExpired(1000)).toBe(90);
    expect(await store.deleteExpired(1000)).toBe(0);
  });
});
