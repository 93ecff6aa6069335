import assert from "node:assert/strict";
import { SessionConflictError } from "../../errors.ts";
import type { SessionStore } from "../../stores/verbs.ts";
import { newToken } from "../../stores/token.ts";
import { take, transact } from "../../stores/transact.ts";
import { fieldsOf, HOUR, type Kit, recordOf } from "./kit.ts";

export function concurrency(kit: Kit): void {
  const { it } = kit;

  it("SEC-9: parallel writes to different keys all survive", async () => {
    const { store } = await kit.open();
    let lost = 0;
    for (let round = 0; round < kit.rounds(200); round++) {
      const { selector, verifierHash } = await kit.session(store);
      await inParallel(8, async (n) => {
        await store.read(selector);
        await kit.jitter();
        await store.patch(selector, verifierHash, { set: fieldsOf({ [`key${n}`]: String(n) }) });
      });
      const { fields } = await recordOf(store, selector);
      for (let n = 0; n < 8; n++) if (fields.get(`key${n}`) !== String(n)) lost++;
    }
    assert.equal(lost, 0, `${lost} writes lost`);
  });

  it("SEC-10: removing a key is not undone by a request that read it before", async () => {
    const { store } = await kit.open();
    for (let round = 0; round < kit.rounds(100); round++) {
      const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ k: "1" }) });
      const removing = async () => void (await store.patch(selector, verifierHash, { unset: ["k"] }));
      const writing = async () =>
        void (await store.patch(selector, verifierHash, { set: fieldsOf({ m: "2" }) }));
      await Promise.all((round % 2 ? [removing, writing] : [writing, removing]).map((act) => late(kit, act)));
      assert.deepEqual([...(await recordOf(store, selector)).fields], [["m", "2"]]);
    }
  });

  it("SEC-11: destroyed stays destroyed, whatever a slow request does", async () => {
    const { store, another } = await kit.open();
    let revived = 0;
    for (let round = 0; round < kit.rounds(800); round++) {
      const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ user: '"ada"' }) });
      const slow = async () => {
        await store.read(selector);
        await kit.jitter();
        await slowVerb(store, selector, verifierHash, round);
      };
      const logout = late(kit, async () => void (await another.destroy(selector)));
      await Promise.all([slow(), logout]);
      await slowVerb(store, selector, verifierHash, round);
      if ((await another.read(selector)).status !== "gone") revived++;
    }
    assert.equal(revived, 0, `${revived} sessions came back to life`);
  });

  if (kit.capabilities.countsCommands) {
    it("SEC-12: a read, a patch, a touch, a rotation and a destroy are one command each", async () => {
      const { store } = await kit.open();
      const { selector, verifierHash } = await kit.session(store);
      const next = newToken().verifierHash;
      assert.equal(await commandsOf(kit, () => store.read(selector)), 1, "read");
      const change = { set: fieldsOf({ a: "1" }), expiry: HOUR };
      assert.equal(await commandsOf(kit, () => store.patch(selector, verifierHash, change)), 1, "patch");
      const expect = new Map([["a", "1"]]);
      assert.equal(
        await commandsOf(kit, () => store.patch(selector, verifierHash, { expect, unset: ["a"] })),
        1,
        "compare-and-set",
      );
      assert.equal(
        await commandsOf(kit, () => store.touch(selector, verifierHash, { idle: 60 })),
        1,
        "touch",
      );
      assert.equal(
        await commandsOf(kit, () => store.rotate(selector, verifierHash, { next, grace: 30, change })),
        1,
        "rotate",
      );
      assert.equal(await commandsOf(kit, () => store.destroy(selector)), 1, "destroy");
    });

    it("SEC-12: a session destroyed before any single command stays destroyed", async () => {
      const { store } = await kit.open();
      for (let verb = 0; verb < 6; verb++) {
        for (let before = 1; before <= 12; before++) {
          const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ a: "1" }) });
          let command = 0;
          kit.onCommand = async () => {
            if (++command !== before) return;
            kit.onCommand = undefined;
            await store.destroy(selector);
          };
          await slowVerb(store, selector, verifierHash, verb);
          const reached = kit.onCommand === undefined;
          kit.onCommand = undefined;
          if (!reached) break;
          assert.equal((await store.read(selector)).status, "gone", `verb ${verb}, command ${before}`);
        }
      }
    });
  }

  it("SEC-13: parallel increments are all counted", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store);
    await inParallel(64, async () => void (await transact(store, selector, verifierHash, "n", increment)));
    assert.equal((await recordOf(store, selector)).fields.get("n"), "64");
  });

  it("SEC-13: a transaction that always loses ends in a typed error", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store);
    let attempts = 0;
    const alwaysLate: SessionStore = {
      ...bound(store),
      async patch(selector, presented, change) {
        await store.patch(selector, verifierHash, { set: fieldsOf({ n: `"${++attempts}"` }) });
        return store.patch(selector, presented, change);
      },
    };
    const losing = transact(alwaysLate, selector, verifierHash, "n", () => '"mine"', { attempts: 5 });
    await assert.rejects(losing, SessionConflictError);
    assert.equal(attempts, 5);
    assert.equal((await recordOf(store, selector)).fields.get("n"), '"5"');
  });

  it("SEC-14: parallel readers take every message exactly once", async () => {
    const { store, another } = await kit.open();
    const { selector, verifierHash } = await kit.session(store);
    const delivered: number[] = [];
    const read = async (through: SessionStore) => {
      await kit.jitter();
      const text = await take(through, selector, verifierHash, "_flashes");
      if (text !== null) delivered.push(...(JSON.parse(text) as number[]));
    };
    const rounds = kit.rounds(500);
    for (let round = 0; round < rounds; round++) {
      const flash = (text: string | null) =>
        JSON.stringify([...(JSON.parse(text ?? "[]") as number[]), round]);
      const write = async () => void (await transact(store, selector, verifierHash, "_flashes", flash));
      await Promise.all([late(kit, write), read(store), read(another)]);
    }
    await read(store);
    const expected = Array.from({ length: rounds }, (_, round) => round);
    assert.deepEqual(
      delivered.sort((a, b) => a - b),
      expected,
    );
  });
}

/** One of the writing verbs, as a request would use it that does not know of the others. */
async function slowVerb(
  store: SessionStore,
  selector: string,
  presented: string,
  which: number,
): Promise<void> {
  const change = { set: fieldsOf({ late: "1" }), expiry: HOUR };
  const next = newToken().verifierHash;
  const verbs = [
    () => store.patch(selector, presented, change),
    () => store.touch(selector, presented, { idle: 7200 }),
    () => store.rotate(selector, presented, { next, grace: 30, change }),
    () => store.rotate(selector, presented, { next, grace: 0 }),
    () => store.patch(selector, presented, { ...change, expect: new Map([["late", null]]) }),
    () => store.patch(selector, presented, { claim: { owner: selector, elapsed: () => 0 }, expiry: HOUR }),
  ];
  await verbs[store.traits.indexed ? which % 6 : which % 5]!();
}

async function commandsOf(kit: Kit, act: () => Promise<unknown>): Promise<number> {
  let commands = 0;
  kit.onCommand = async () => void commands++;
  await act().finally(() => (kit.onCommand = undefined));
  return commands;
}

async function late(kit: Kit, act: () => Promise<void>): Promise<void> {
  await kit.jitter();
  await act();
}

async function inParallel(count: number, act: (n: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => act(n)));
}

/** The verbs of a store as an object that can be spread. */
export function bound(store: SessionStore): SessionStore {
  return {
    traits: store.traits,
    create: (session) => store.create(session),
    read: (selector) => store.read(selector),
    patch: (selector, presented, change) => store.patch(selector, presented, change),
    touch: (selector, presented, touch) => store.touch(selector, presented, touch),
    rotate: (selector, presented, rotation) => store.rotate(selector, presented, rotation),
    destroy: (selector) => store.destroy(selector),
    list: (owner) => store.list(owner),
    destroyAll: (owner, options) => store.destroyAll(owner, options),
    deleteExpired: (limit) => store.deleteExpired(limit),
    live: (selectors) => store.live(selectors),
  };
}

function increment(text: string | null): string {
  return String(Number(text ?? 0) + 1);
}
