import { describe, expect, it } from "vitest";
import { storeContract } from "../testing/store-contract.ts";
import { memoryStore } from "./memory.ts";
import type { Store, Write } from "./parts/store.ts";

let ids = 0;
const newId = () => String(ids++).padStart(16, "0");

function record({ lifetime = 60, size = 1, anonymous = true }: Partial<Write> & { size?: number } = {}) {
  return { key: newId(), write: { text: "x".repeat(size), commit: newId(), lifetime, anonymous } };
}

async function filled(store: Store, ...records: ReturnType<typeof record>[]) {
  for (const { key, write } of records) expect(await store.insert(key, write)).toBe(true);
  return records;
}

async function liveOf(store: Store, records: readonly { key: string }[]): Promise<boolean[]> {
  const found = await store.readMany!(
    records.map(({ key }) => key),
    10,
  );
  return records.map(({ key }) => found.has(key));
}

const full = { code: "STORE", reason: "full" };

describe("memoryStore", () => {
  storeContract({ describe, it }, ({ clock }) => ({ store: memoryStore({ now: clock.now }) }), { scale: 1 });

  it("refuses one record too many, and drops none for one of the same kind", async () => {
    for (const anonymous of [true, false]) {
      const store = memoryStore({ maxRecords: 3 });
      const three = [record({ anonymous }), record({ anonymous }), record({ anonymous })];
      await filled(store, ...three);
      const { key, write } = record({ anonymous });
      await expect(store.insert(key, write)).rejects.toMatchObject(full);
      expect(await liveOf(store, three)).toEqual([true, true, true]);
      await store.remove(three[0]!.key);
      expect(await store.insert(key, write)).toBe(true);
    }
  });

  it("refuses one byte too many, also of records that grow", async () => {
    const store = memoryStore({ maxBytes: 10_000 });
    const [first] = await filled(store, record({ size: 4000 }), record({ size: 4000 }));
    const third = record({ size: 4000 });
    await expect(store.insert(third.key, third.write)).rejects.toMatchObject(full);
    const { key, write } = first!;
    const grown = { ...write, commit: newId(), text: "x".repeat(8000) };
    await expect(store.replace(key, write.commit, grown)).rejects.toMatchObject(full);
    expect(await store.read(key)).toMatchObject({ text: write.text, commit: write.commit });
    expect(await store.replace(key, write.commit, { ...grown, text: "x".repeat(5000) })).toEqual({
      status: "ok",
    });
  });

  it("makes room of what has expired when it is full, without a sweep", async () => {
    let now = 1e12;
    const store = memoryStore({ now: () => now, maxRecords: 2 });
    const records = await filled(store, record({ lifetime: 10 }), record({ lifetime: 100 }));
    now += 11_000;
    await filled(store, record({ lifetime: 10 }));
    expect(await liveOf(store, records)).toEqual([false, true]);
    const another = record();
    await expect(store.insert(another.key, another.write)).rejects.toMatchObject(full);
  });

  it("lets records with an owner take the room of those without, which would expire first", async () => {
    const store = memoryStore({ maxRecords: 4 });
    const owned = { anonymous: false };
    const strangers = await filled(store, record({ lifetime: 30 }), record({ lifetime: 10 }));
    const own = await filled(store, record({ ...owned, lifetime: 5 }), record({ ...owned, lifetime: 5 }));
    await filled(store, record(owned));
    expect(await liveOf(store, strangers)).toEqual([true, false]);
    await filled(store, record(owned));
    expect(await liveOf(store, [...strangers, ...own])).toEqual([false, false, true, true]);
    const { key, write } = record(owned);
    await expect(store.insert(key, write)).rejects.toMatchObject(full);
  });

  it("keeps a visitor's record whose login finds no room", async () => {
    const store = memoryStore({ maxBytes: 1000 });
    const [visitor, other] = await filled(store, record({ size: 300, lifetime: 5 }), record({ size: 300 }));
    const login = { text: "x".repeat(2000), commit: newId(), lifetime: 60 };
    await expect(store.replace(visitor!.key, visitor!.write.commit, login)).rejects.toMatchObject(full);
    expect(await liveOf(store, [visitor!])).toEqual([true]);
    expect(
      await store.replace(visitor!.key, visitor!.write.commit, { ...login, text: "x".repeat(900) }),
    ).toEqual({
      status: "ok",
    });
    expect(await liveOf(store, [visitor!, other!])).toEqual([true, false]);
  });

  it("removes expired records in the order of their deadlines, however those moved", async () => {
    let now = 1e12;
    const store = memoryStore({ now: () => now });
    const records = Array.from({ length: 300 }, (_, at) =>
      record({ lifetime: 1000 + ((at * 7919) % 300), anonymous: at % 2 === 0 }),
    );
    await filled(store, ...records);
    for (const [at, { key, write }] of records.entries()) {
      const moved = (lifetime: number) => store.replace(key, write.commit, { ...write, lifetime });
      if (at % 3 === 0) await moved(5000);
      if (at % 3 === 1) await moved(10);
      if (at % 10 === 5) await store.remove(key);
    }
    now += 11_000;
    expect(await store.removeExpired(1000)).toBe(90);
    now += 2_000_000;
    expect(await store.removeExpired(50)).toBe(50);
    expect(await store.removeExpired(1000)).toBe(40);
    now += 5_000_000;
    expect(await store.removeExpired(1000)).toBe(90);
    expect(await store.removeExpired(1000)).toBe(0);
  });

  it("lets others go first again and again while it removes many", async () => {
    let now = 1e12;
    const store = memoryStore({ now: () => now });
    await filled(store, ...Array.from({ length: 1000 }, () => record({ lifetime: 10 })));
    now += 11_000;
    let [turns, isSweeping] = [0, true];
    const count = () => void setImmediate(() => isSweeping && (turns++, count()));
    count();
    expect(await store.removeExpired(800)).toBe(800);
    isSweeping = false;
    expect(turns).toBeGreaterThanOrEqual(7);
    expect(await store.removeExpired(800)).toBe(200);
  });
});
