import assert from "node:assert/strict";
import type { Store, Stored } from "../../stores/parts/store.ts";
import { type Kit, newId, write } from "./kit.ts";
import { known } from "./steps.ts";

/** How often each of 64 writers can lose, if each needs to win once. */
const ATTEMPTS = 100;

export function races(kit: Kit): void {
  if (!kit.capabilities.atomic) return;
  const { it } = kit;

  it("SEC-6: one of eight parallel inserts succeeds", async () => {
    const { store, another } = await kit.open();
    for (let round = 0; round < kit.rounds(100); round++) {
      const key = newId();
      const writes = Array.from({ length: 8 }, (_, n) => write(`${n}`));
      const answers = await inParallel(8, async (n) => {
        await kit.jitter();
        return (n % 2 ? store : another).insert(key, writes[n]!);
      });
      const winners = writes.filter((_, n) => answers[n]);
      assert.equal(winners.length, 1);
      assert.deepEqual(known(await store.read(key)), known(winners[0]));
    }
  });

  it("SEC-9: one of eight parallel replaces succeeds, and the others get its result", async () => {
    const { store, another } = await kit.open();
    for (let round = 0; round < kit.rounds(200); round++) {
      const { key, commit } = await kit.record(store);
      const writes = Array.from({ length: 8 }, (_, n) => write(`${n}`));
      const answers = await inParallel(8, async (n) => {
        await kit.jitter();
        return (n % 2 ? store : another).replace(key, commit, writes[n]!);
      });
      const winner = writes[answers.findIndex(({ status }) => status === "ok")]!;
      const others = answers.filter(({ status }) => status !== "ok");
      assert.equal(others.length, 7);
      for (const answer of others) {
        assert.equal(answer.status, "conflict");
        assert.deepEqual(known(answer.current), known(winner));
      }
      assert.deepEqual(known(await store.read(key)), known(winner));
    }
  });

  it("SEC-11: a slow write does not restore a removed record", async () => {
    const { store, another } = await kit.open();
    let revived = 0;
    for (let round = 0; round < kit.rounds(800); round++) {
      const { key } = await kit.record(store);
      const slow = async () => {
        const found = await store.read(key);
        await kit.jitter();
        const commit = found?.commit ?? newId();
        await (round % 3 === 0 ? store.remove(key, commit) : store.replace(key, commit, write("late")));
      };
      const removing = async () => {
        await kit.jitter();
        await another.remove(key);
      };
      await Promise.all([slow(), removing()]);
      await slow();
      if ((await another.read(key)) !== undefined) revived++;
    }
    assert.equal(revived, 0, `${revived} removed records were restored`);
  });

  it("SEC-13: 64 parallel increments with retries count to 64", async () => {
    const { store, another } = await kit.open();
    const { key } = await kit.record(store, "0");
    await inParallel(64, (n) => increment(n % 2 ? store : another, key));
    assert.equal((await store.read(key))?.text, "64");
  });
}

/** The usual loop: read, change, replace, and after a conflict repeat with the current record. */
async function increment(store: Store, key: string): Promise<void> {
  let current: Stored | undefined = await store.read(key);
  for (let attempt = 0; attempt < ATTEMPTS && current !== undefined; attempt++) {
    const answer = await store.replace(key, current.commit, write(String(Number(current.text) + 1)));
    if (answer.status === "ok") return;
    current = answer.status === "conflict" ? answer.current : undefined;
  }
  throw new Error(current ? `lost ${ATTEMPTS} times in a row` : "the record is missing");
}

function inParallel<Result>(count: number, act: (n: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => act(n)));
}
