import { Worker } from "../worker-client.ts";
import type { Engine, Space } from "./engines.ts";
import { fileURLToPath } from "node:url";

/** What a store says when it holds this many sessions. */
export interface Level {
  readonly sessions: number;
  /** Microseconds of a read and a replace of some record. */
  readonly cost: number;
  readonly bytesPerSession: number;
}

/** What a store is like from few sessions to many. */
export interface Growth {
  readonly subject: GrowthSubject;
  readonly levels: readonly Level[];
  /** Milliseconds of one full garbage collection, for what is in this process. */
  readonly gc?: number;
  /** Milliseconds of one step of a sweep that finds nothing, and the longest that others wait for one that removes everything. */
  readonly idleSweep?: number;
  readonly longestPause?: number;
}

export const FEWEST = 1000;

/** `engine` is what has to be reachable. Another client of the same engine grows as that engine does. */
export const GROWTH_SUBJECTS = [
  { subject: "memory", engine: "memory" },
  { subject: "express-session", engine: "memory" },
  { subject: "sqlite", engine: "sqlite" },
  { subject: "redis", engine: "redis" },
  { subject: "postgres", engine: "postgres" },
  { subject: "mariadb", engine: "mariadb" },
  { subject: "pglite", engine: "pglite" },
  { subject: "memcached", engine: "memcached" },
] as const satisfies readonly { subject: string; engine: Engine }[];

export type GrowthSubject = (typeof GROWTH_SUBJECTS)[number]["subject"];

/** Fills a store in a process of its own, whose memory is then the store's. */
export async function grow(subject: GrowthSubject, most: number, space: Space): Promise<Growth> {
  const script = fileURLToPath(new URL("growth-worker.js", import.meta.url));
  const worker = new Worker(process.execPath, ["--expose-gc", script, subject, JSON.stringify(space)]);
  try {
    return { subject, ...(await worker.ask<Omit<Growth, "subject">>({ most })) };
  } finally {
    worker.stop();
  }
}

export function decades(most: number): number[] {
  const levels: number[] = [];
  for (let sessions = FEWEST; sessions <= most; sessions *= 10) levels.push(sessions);
  return levels;
}

/** How much more a call costs at the most sessions than at the fewest. */
export function steepness({ levels }: Growth): number {
  return levels.at(-1)!.cost / levels[0]!.cost;
}
