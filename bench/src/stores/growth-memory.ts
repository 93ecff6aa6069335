import expressSession, { type SessionData } from "express-session";
import { memoryStore } from "../../../dist/stores/memory.js";
import { sweepOnce } from "../../../dist/stores/contract.js";
import { median } from "../figures.ts";
import { counter } from "../workloads.ts";
import { dataOf, IDLE } from "./data.ts";
import { fill, steady, timed } from "./filling.ts";
import { decades, type Growth, type Level } from "./growth.ts";

/** Our store: beside the costs, what its sweeps and the garbage collector do to the process. */
export async function growInMemory(most: number): Promise<Omit<Growth, "subject">> {
  let now = Date.now();
  const store = memoryStore({ now: () => now, maxRecords: most + 1, maxBytes: Infinity });
  const { levels, dispose } = await fill(store, most, ownBytes);
  const sweeps: number[] = [];
  for (let turn = 0; turn < 9; turn++) sweeps.push(await timed(() => store.removeExpired(500)));
  const gc = await timed(() => globalThis.gc!());
  dispose();
  now += 2 * IDLE * 1000;
  let [isSweeping, last, longestPause] = [true, performance.now(), 0];
  const watch = () => {
    const turn = performance.now();
    longestPause = Math.max(longestPause, turn - last);
    last = turn;
    if (isSweeping) setImmediate(watch);
  };
  setImmediate(watch);
  await sweepOnce(store, { pause: 0 });
  isSweeping = false;
  return { levels, gc, idleSweep: median(sweeps), longestPause };
}

export async function growOfExpress(most: number): Promise<Omit<Growth, "subject">> {
  const store = new expressSession.MemoryStore();
  const cookie = { originalMaxAge: IDLE * 1000, httpOnly: true, path: "/" };
  const session = { cookie, ...dataOf(300) } as unknown as SessionData & { visits: number };
  const next = counter();
  const before = ownBytes();
  const levels: Level[] = [];
  let filled = 0;
  for (const sessions of decades(most)) {
    for (; filled < sessions; filled++) store.set(`session-${filled}`, { ...session });
    await new Promise((resolve) => setImmediate(resolve));
    let at = 0;
    const cost = await steady(() => {
      const id = `session-${(at++ * 7919) % sessions}`;
      return new Promise<void>((resolve) => {
        store.get(id, (_, found) => {
          (found as typeof session).visits = next();
          store.set(id, found!, () => resolve());
        });
      });
    });
    levels.push({ sessions, cost, bytesPerSession: (ownBytes() - before) / sessions });
  }
  return { levels, gc: await timed(() => globalThis.gc!()) };
}

function ownBytes(): number {
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
