/**
 * The benchmark of stores; `npm run bench:stores` at the root calls it. Measures what can be reached, each subject in a
 * process of its own, in interleaved rounds: read ratios within one run, absolute figures belong to one machine.
 *
 * `--quick` measures just long enough to prove that everything can be measured, `--only=redis,mariadb` measures these engines
 * alone; neither writes files.
 */
import { fileURLToPath } from "node:url";
import { installPeers } from "../install.ts";
import { writeFigures } from "../markdown.ts";
import { Progress } from "../progress.ts";
import { Worker } from "../worker-client.ts";
import { STORED_SIZES, storedSizeName } from "./data.ts";
import { decades, grow, GROWTH_SUBJECTS, type Growth } from "./growth.ts";
import { IN_FLIGHT, type Cost } from "./in-flight.ts";
import { storeGoals } from "./goals.ts";
import { Readings, type Cell } from "./readings.ts";
import type { RedisEffort, RedisFigures } from "./redis-worker.ts";
import type { RoundTrips } from "./round-trips.ts";
import { REQUEST_SUBJECTS, VERB_SUBJECTS, type Subject } from "./subjects.ts";
import {
  goalsTable,
  growthTable,
  redisTable,
  requestTable,
  toMarkdown,
  toText,
  tripTable,
  verbTable,
} from "./tables.ts";
import type { Task } from "./worker.ts";

const quick = process.argv.includes("--quick");
const only = process.argv
  .find((argument) => argument.startsWith("--only="))
  ?.slice("--only=".length)
  .split(",");
const effort = quick
  ? { rounds: 2, warmUp: 10, slice: 5, most: 10_000 }
  : { rounds: 15, warmUp: 200, slice: 50, most: 1_000_000 };

/** Steps that growing a store takes as long as. */
const GROWING = quick ? 5 : 150;

/** Large enough that garbage of a request is dead by the time it is collected, for all alike: with less, a run differs from the next by what happened to survive. */
const FLAGS = ["--max-semi-space-size=64"];

installPeers({ optional: false });
// Imported after the peers are there.
const { newSpace } = await import("./engines.ts");
const { clear, prepare } = await import("./prepare.ts");
const { countRoundTrips } = await import("./round-trips.ts");

const space = newSpace();
const reached = new Set([...(await prepare(space))].filter((engine) => only?.includes(engine) ?? true));
const workers = new Map<Subject, Worker>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}

async function cleanUp(): Promise<void> {
  for (const worker of workers.values()) worker.stop();
  await clear(space, reached);
}

function cellsOf(subject: Subject): Cell[] {
  const kinds = subject.kind === "verbs" ? ["load", "save"] : ["bare", "read", "count"];
  const cells = STORED_SIZES.flatMap((size) =>
    kinds.map((what) => ({ subject, what, size, inFlight: IN_FLIGHT })),
  );
  // One at a time, too: what a visitor waits for.
  const alone =
    subject.kind === "verbs"
      ? kinds.map((what) => ({ subject, what, size: STORED_SIZES[0], inFlight: 1 }))
      : [];
  return [...cells, ...alone];
}

async function measure(cell: Cell, milliseconds: number): Promise<Cost> {
  const { subject, ...task } = cell;
  const worker = workers.get(subject) ?? startWorker(subject);
  return worker.ask<Cost>({ ...task, milliseconds } as Task);
}

function startWorker(subject: Subject): Worker {
  const script = fileURLToPath(new URL("worker.js", import.meta.url));
  const args = [...FLAGS, script, JSON.stringify(subject), JSON.stringify(space)];
  const worker = new Worker(process.execPath, args);
  workers.set(subject, worker);
  return worker;
}

async function measureRedis(): Promise<RedisFigures> {
  const script = fileURLToPath(new URL("redis-worker.js", import.meta.url));
  const worker = new Worker(process.execPath, [...FLAGS, script, JSON.stringify(space)]);
  const longer = quick
    ? { rounds: 1, calls: 200, milliseconds: 5 }
    : { rounds: effort.rounds, calls: 5000, milliseconds: effort.slice };
  try {
    return await worker.ask<RedisFigures>(longer satisfies RedisEffort);
  } finally {
    worker.stop();
  }
}

const nameOf = ({ subject: { engine, name }, what, size }: Cell) =>
  `${engine} · ${name} · ${what} ${storedSizeName(size as (typeof STORED_SIZES)[number])}`;

try {
  const cells = [...VERB_SUBJECTS, ...REQUEST_SUBJECTS]
    .filter(({ engine }) => reached.has(engine))
    .flatMap(cellsOf);
  const growing = GROWTH_SUBJECTS.filter(({ engine }) => reached.has(engine));
  const counted = (["redis", "ioredis", "postgres", "mariadb"] as const).filter((engine) =>
    reached.has(engine),
  );
  const progress = new Progress(
    cells.length * (effort.rounds + 1) + counted.length + 1 + growing.length * GROWING,
  );
  const readings = new Readings();
  const measurable: Cell[] = [];
  for (const cell of cells) {
    progress.step(`warming up ${nameOf(cell)}`);
    try {
      await measure(cell, effort.warmUp);
      measurable.push(cell);
    } catch (error) {
      console.error(`\n${nameOf(cell)} cannot be measured and shows a dash: ${String(error)}`);
    }
  }
  for (let round = 1; round <= effort.rounds; round++) {
    for (const cell of measurable) {
      progress.step(`round ${round} of ${effort.rounds}: ${nameOf(cell)}`);
      readings.add(cell, await measure(cell, effort.slice));
    }
  }
  const trips: RoundTrips[] = [];
  for (const engine of counted) {
    progress.step(`counting round trips of ${engine}`);
    trips.push(await countRoundTrips(engine, space));
  }
  progress.step("measuring Redis alone");
  const redis = reached.has("redis") ? await measureRedis() : undefined;
  const growths: Growth[] = [];
  for (const { subject } of growing) {
    progress.step(`growing ${subject} to ${effort.most.toLocaleString("en")} sessions`, GROWING);
    growths.push(await grow(subject, effort.most, space));
  }
  progress.end();

  const tables = [
    verbTable(readings),
    requestTable(readings),
    tripTable(trips),
    ...(redis ? [redisTable(redis)] : []),
    growthTable(growths, decades(effort.most)),
    goalsTable(storeGoals(readings, trips, growths, redis)),
  ];
  console.log(`\n${tables.map(toText).join("\n\n")}\n`);
  if (only) console.log(`Only ${only.join(", ")}: written to no file.`);
  else if (quick)
    console.log("A quick run: it proves that everything can be measured; the figures are rough.");
  else {
    const figures = [`Node ${process.version}.`, ...tables.map(toMarkdown)].join("\n\n");
    writeFigures(new URL("../../../docs/stores.md", import.meta.url), figures, "npm run bench:stores");
    console.log("Written: the tables in docs/stores.md");
  }
} finally {
  await cleanUp();
}
process.exit();
