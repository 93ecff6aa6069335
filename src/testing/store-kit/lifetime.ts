import assert from "node:assert/strict";
import type { Store } from "../../stores/parts/store.ts";
import { type Kit, newId, write } from "./kit.ts";

/** Allowed difference between the store's clock and the test's, in milliseconds. */
const SKEW = 5000;

export function lifetime(kit: Kit): void {
  const { it, clock } = kit;

  it("SEC-33: read or now returns the time of the store's clock", async () => {
    const { store } = await kit.open();
    const { key } = await kit.record(store);
    const time = async () => (await store.read(key))?.now ?? (await store.now?.());
    const before = await time();
    assert.ok(before !== undefined, "read returns `now`, or the store has a method `now`");
    if (!kit.capabilities.movesTime) return;
    assert.ok(Math.abs(before - clock.now()) < SKEW, `${before} is not about ${clock.now()}`);
    clock.advance(100);
    const passed = (await time())! - before;
    assert.ok(passed >= 100_000 && passed < 100_000 + SKEW, `${passed} ms passed in 100 s`);
  });

  if (!kit.capabilities.movesTime) return;

  it("SEC-27: every step reports an expired record as gone, without a cleanup", async () => {
    const { store, another } = await kit.open();
    const { key, commit } = await kit.record(store, "text", 100.5);
    clock.advance(98);
    assert.equal((await store.read(key))?.commit, commit);
    clock.advance(3);
    await isGone(another, key, commit);
    await isGone(store, key, commit);
    assert.equal(await store.insert(key, write("next")), true, "its key can be used again");
    assert.equal((await another.read(key))?.text, "next");
  });

  it("SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it", async () => {
    const { store } = await kit.open();
    const longer = await kit.record(store, "text", 100);
    const next = write("longer", 500);
    assert.equal((await store.replace(longer.key, longer.commit, next)).status, "ok");
    const shorter = await kit.record(store, "text", 500);
    assert.equal((await store.replace(shorter.key, shorter.commit, write("shorter", 50))).status, "ok");
    const only = await kit.record(store, "text", 100);
    assert.equal((await store.replace(only.key, newId(), write("lost", 500))).status, "conflict");
    clock.advance(52);
    assert.equal(await store.read(shorter.key), undefined);
    await store.read(only.key);
    clock.advance(50);
    assert.equal(
      await store.read(only.key),
      undefined,
      "neither a read nor a refused replace extends the lifetime",
    );
    assert.equal((await store.read(longer.key))?.text, "longer");
    clock.advance(400);
    assert.equal(await store.read(longer.key), undefined);
  });

  it("SEC-32: two workers remove all expired records, and no others, in bounded batches", async () => {
    const { store, another } = await kit.open();
    if (store.removeExpired === undefined) return;
    const total = kit.rounds(10_000, 500);
    const expired = await records(kit, store, total, 120);
    const live = await records(kit, store, 50, 24 * 3600);
    // Expired for an eighth of their lifetime: until then, a store may delay their removal.
    clock.advance(136);

    const batch = Math.max(50, Math.ceil(total / 20));
    const sizes: number[] = [];
    const worker = async (through: Store) => {
      do sizes.push(await through.removeExpired!(batch));
      while (sizes.at(-1)! >= batch);
    };
    await Promise.all([worker(store), worker(another)]);
    assert.ok(
      sizes.every((size) => size <= batch),
      `a batch exceeded ${batch}: ${sizes.join(" ")}`,
    );
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) >= total, "all of them were removed and counted");
    assert.equal(await store.removeExpired(batch), 0, "none is left");
    for (const key of [expired[0]!, expired.at(-1)!]) assert.equal(await store.read(key), undefined);
    for (const key of live) assert.equal((await store.read(key))?.text, "text");
  });

  it("readMany: omits expired records", async () => {
    const { store } = await kit.open();
    if (store.readMany === undefined) return;
    const [short, long] = [await kit.record(store, "short", 10), await kit.record(store, "long")];
    clock.advance(11);
    const found = await store.readMany([short.key, long.key], 100);
    assert.deepEqual([...found.keys()], [long.key]);
  });
}

async function isGone(store: Store, key: string, commit: string): Promise<void> {
  assert.equal(await store.read(key), undefined);
  assert.deepEqual(await store.replace(key, commit, write("late")), { status: "gone" });
  assert.deepEqual(await store.remove(key, commit), { status: "gone" });
  assert.equal(await store.read(key), undefined);
}

async function records(kit: Kit, store: Store, total: number, seconds: number): Promise<string[]> {
  const keys: string[] = [];
  for (let done = 0; done < total; done += 100) {
    const size = Math.min(100, total - done);
    const made = Array.from({ length: size }, () => kit.record(store, "text", seconds));
    for (const { key } of await Promise.all(made)) keys.push(key);
  }
  return keys;
}
