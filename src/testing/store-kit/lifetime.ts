import assert from "node:assert/strict";
import type { SessionStore } from "../../stores/verbs.ts";
import { newToken } from "../../stores/token.ts";
import { sweepOnce } from "../../stores/sweep.ts";
import { bound } from "./concurrency.ts";
import { fieldsOf, type Kit, recordOf } from "./kit.ts";

export function lifetime(kit: Kit): void {
  const { it, clock } = kit;

  it("SEC-29: activity within the touch interval writes nothing", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { expiry: { idle: 600 } });
    const before = await recordOf(store, selector);
    const touches = Array.from({ length: 20 }, () =>
      store.touch(selector, verifierHash, { idle: 6000, every: 60 }),
    );
    for (const answer of await Promise.all(touches)) assert.equal(answer.status, "ok");
    assert.deepEqual(await recordOf(store, selector), before);
  });

  if (!kit.capabilities.movesTime) return;

  it("SEC-29: of a burst of touches that are due, one writes", async () => {
    const { store, another } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { expiry: { idle: 600 } });
    clock.advance(61);
    const touch = (through: SessionStore) => through.touch(selector, verifierHash, { idle: 600, every: 60 });
    await Promise.all(Array.from({ length: 20 }, (_, n) => touch(n % 2 ? store : another)));
    const touched = await recordOf(store, selector);
    assert.equal(touched.expiresAt, touched.lastSeenAt + 600_000);
    clock.advance(59);
    await Promise.all(Array.from({ length: 20 }, () => touch(store)));
    assert.deepEqual(await recordOf(store, selector), touched);
  });

  it("SEC-27: the idle limit holds at every verb, with nothing cleaned up", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { expiry: { idle: 100 } });
    clock.advance(98);
    assert.equal((await store.read(selector)).status, "ok");
    clock.advance(3);
    await isDead(store, selector, verifierHash);
  });

  it("SEC-27: the absolute limit holds however active the session is", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { expiry: { idle: 60, absolute: 300 } });
    for (let passed = 0; passed < 280; passed += 40) {
      assert.equal((await store.touch(selector, verifierHash, { idle: 60 })).status, "ok");
      const patched = await store.patch(selector, verifierHash, {
        expiry: { idle: 600 },
        set: fieldsOf({ a: "1" }),
      });
      assert.equal(patched.status, "ok");
      clock.advance(40);
    }
    assert.equal((await store.read(selector)).status, "ok");
    clock.advance(21);
    await isDead(store, selector, verifierHash);
  });

  it("SEC-28: activity extends the idle limit, a read does not, a new authentication starts both anew", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { expiry: { idle: 100, absolute: 150 } });
    const created = await recordOf(store, selector);
    clock.advance(50);
    assert.deepEqual(await recordOf(store, selector), created);
    await store.patch(selector, verifierHash, { set: fieldsOf({ a: "1" }) });
    assert.equal(
      (await recordOf(store, selector)).expiresAt,
      created.expiresAt,
      "nor a patch that does not say so",
    );

    await store.touch(selector, verifierHash, { idle: 100, every: 40 });
    const touched = await recordOf(store, selector);
    assert.ok(touched.lastSeenAt >= created.lastSeenAt + 50_000);
    assert.equal(touched.expiresAt, created.absoluteAt, "never beyond the absolute limit");
    assert.equal(touched.absoluteAt, created.absoluteAt);

    await store.patch(selector, verifierHash, { expiry: { idle: 100, absolute: 1000 } });
    const renewed = await recordOf(store, selector);
    assert.equal(renewed.expiresAt, renewed.lastSeenAt + 100_000);
    assert.equal(renewed.absoluteAt, renewed.lastSeenAt + 1_000_000);
    await store.patch(selector, verifierHash, { expiry: { idle: 2000, absolute: null } });
    assert.equal((await recordOf(store, selector)).absoluteAt, null);
  });

  it("SEC-32: two workers remove every expired record in bounded batches and no live one", async () => {
    const { store, another } = await kit.open();
    const idle = 120;
    const total = kit.rounds(10_000, 500);
    const expired: string[] = [];
    await batches(total, async () => {
      expired.push((await kit.session(store, { expiry: { idle } })).selector);
    });
    const live: string[] = [];
    await batches(50, async () => {
      live.push((await kit.session(store, { expiry: { idle: 24 * 3600 } })).selector);
    });
    clock.advance(idle + 1);

    const batch = Math.max(50, Math.ceil(total / 20));
    const sizes: number[] = [];
    const worker = async (through: SessionStore) => {
      const counted: SessionStore = {
        ...bound(through),
        async deleteExpired(limit) {
          const deleted = await through.deleteExpired(limit);
          sizes.push(deleted);
          return deleted;
        },
      };
      await sweepOnce(counted, { batch, pause: 0 });
    };
    await Promise.all([worker(store), worker(another)]);
    assert.ok(
      sizes.every((size) => size <= batch),
      `a batch exceeded ${batch}: ${sizes.join(" ")}`,
    );
    assert.deepEqual(await store.live(expired), []);
    assert.deepEqual((await store.live(live)).sort(), live.sort());
    if (kit.capabilities.expiresItself) return;
    assert.equal(await store.deleteExpired(batch), 0, "all gone");
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) >= total, "every one was removed and counted");
    const reused = { ...newToken(), selector: expired[0]!, fields: new Map(), expiry: { idle } };
    assert.equal((await store.create(reused)).status, "ok", "the record itself is gone, not only hidden");
  });

  it("SEC-27: of many selectors, live tells those that are", async () => {
    const { store } = await kit.open();
    const short = await kit.session(store, { expiry: { idle: 10 } });
    const ended = await kit.session(store);
    const long = await kit.session(store);
    await store.destroy(ended.selector);
    clock.advance(11);
    const asked = [short, ended, long, newToken()].map((token) => token.selector);
    assert.deepEqual(await store.live(asked), [long.selector]);
    assert.deepEqual(await store.live([]), []);
  });
}

async function isDead(store: SessionStore, selector: string, verifierHash: string): Promise<void> {
  const change = { set: fieldsOf({ late: "1" }), expiry: { idle: 3600, absolute: 3600 } };
  assert.equal((await store.patch(selector, verifierHash, change)).status, "gone");
  assert.equal((await store.touch(selector, verifierHash, { idle: 3600 })).status, "gone");
  const next = newToken().verifierHash;
  assert.equal((await store.rotate(selector, verifierHash, { next, grace: 30, change })).status, "gone");
  assert.equal((await store.read(selector)).status, "gone");
  assert.deepEqual(await store.live([selector]), []);
}

async function batches(total: number, act: () => Promise<void>): Promise<void> {
  for (let done = 0; done < total; done += 100) {
    await Promise.all(Array.from({ length: Math.min(100, total - done) }, act));
  }
}
