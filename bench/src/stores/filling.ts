import { median } from "../figures.ts";
import type { SessionStore } from "../../../dist/stores/store.js";
import { counter } from "../workloads.ts";
import { fieldsOf, IDLE, newSession } from "./data.ts";
import { decades, FEWEST, type Level } from "./growth.ts";
import { costOf, IN_FLIGHT } from "./in-flight.ts";

/** Creating: as many calls at once as keep a connection busy. */
const LANES = 64;
const ROUNDS = 9;
const SLICE = 40;

/** What is needed to read a session and to write to it. */
export interface Name {
  readonly selector: string;
  readonly verifierHash: string;
}

/** Fills a store of ours decade by decade, and measures at each what it costs to use some session of those in it. */
export async function fill(store: SessionStore, most: number, bytes: () => number | Promise<number>) {
  const fields = fieldsOf(300);
  // Names of a thousand spread over all: what the measuring itself keeps must not count as the store's.
  const known: Name[] = [];
  const before = await bytes();
  const levels: Level[] = [];
  let filled = 0;
  for (const sessions of decades(most)) {
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (filled < sessions) {
          filled++;
          const session = newSession(fields);
          if (known.length < FEWEST) known.push(session);
          else if (filled % 977 === 0) known[filled % FEWEST] = session;
          await store.create(session);
        }
      }),
    );
    const cost = await costOfUse(store, (at) => known[(at * 7919) % known.length]!);
    levels.push({ sessions, cost, bytesPerSession: ((await bytes()) - before) / sessions });
  }
  return { levels, dispose: () => known.splice(0) };
}

/** Microseconds of a read and a patch. */
export function costOfUse(store: SessionStore, nameOf: (at: number) => Name): Promise<number> {
  const next = counter();
  let at = 0;
  return steady(async () => {
    const { selector, verifierHash } = nameOf(at++);
    await store.read(selector);
    const change = { set: new Map([["visits", String(next())]]), expiry: { idle: IDLE } };
    const { status } = await store.patch(selector, verifierHash, change);
    if (status !== "ok") throw new Error(`The session is ${status}.`);
  });
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
