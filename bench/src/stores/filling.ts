import { median } from "../figures.ts";
import type { Store } from "../../../dist/stores/contract.js";
import { IDLE, newCommit, textOf } from "./data.ts";
import { decades, FEWEST, type Level } from "./growth.ts";
import { costOf, IN_FLIGHT, inTurn } from "./in-flight.ts";

/** Creating: as many calls at once as keep a connection busy. */
const LANES = 64;
const ROUNDS = 9;
const SLICE = 40;

/** What is needed to replace a record. */
export interface Known {
  readonly key: string;
  commit: string;
}

/** Fills a store of ours decade by decade, and measures at each what it costs to use some record of those in it. */
export async function fill(store: Store, most: number, bytes: () => number | Promise<number>) {
  const text = textOf(300);
  // Names of a thousand spread over all: what the measuring itself keeps must not count as the store's.
  const known: Known[] = [];
  const before = await bytes();
  const levels: Level[] = [];
  let filled = 0;
  for (const sessions of decades(most)) {
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (filled < sessions) {
          filled++;
          const record = { key: newCommit(), commit: newCommit() };
          if (known.length < FEWEST) known.push(record);
          else if (filled % 977 === 0) known[filled % FEWEST] = record;
          await store.insert(record.key, { text, commit: record.commit, lifetime: IDLE, anonymous: true });
        }
      }),
    );
    const cost = await costOfUse(store, known);
    levels.push({ sessions, cost, bytesPerSession: ((await bytes()) - before) / sessions });
  }
  return { levels, dispose: () => known.splice(0) };
}

/** Microseconds of a read and a replace. */
export function costOfUse(store: Store, records: readonly Known[]): Promise<number> {
  const text = textOf(300);
  // Far from each other, and no two calls in flight on one record.
  const spread = records.map((_, at) => records[(at * 7919) % records.length]!);
  return steady(
    inTurn(spread, async (record) => {
      await store.read(record.key);
      const commit = newCommit();
      const { status } = await store.replace(record.key, record.commit, { text, commit, lifetime: IDLE });
      if (status !== "ok") throw new Error(`The record is ${status}.`);
      record.commit = commit;
    }),
  );
}

/** Microseconds per call: the median of rounds, as garbage of filling is collected in some of them. */
export async function steady(call: () => Promise<unknown>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push((await costOf(call, SLICE, IN_FLIGHT)).wall);
  return median(rounds.slice(1));
}

/** Milliseconds. */
export async function timed(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
