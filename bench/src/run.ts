/**
 * The whole benchmark; `npm run bench` at the root calls it. Everything is measured in interleaved rounds, so that a
 * busy machine disturbs all alike, and only ratios within this one run are kept.
 *
 * `--quick` measures just long enough to prove that everything can be measured, and writes no files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { chart } from "./chart.ts";
import { Figures } from "./figures.ts";
import { importTimes, installedSize } from "./footprint.ts";
import { judge } from "./goals.ts";
import { installPeers } from "./install.ts";
import { LIBRARIES } from "./libraries.ts";
import { startLoopback } from "./loopback.ts";
import { writeInto } from "./markdown.ts";
import { cellName } from "./peer.ts";
import { Progress } from "./progress.ts";
import { resultsOf } from "./results.ts";
import { goalTable, table } from "./table.ts";
import { Worker } from "./worker-client.ts";
import { sizeName, SIZES, WORKLOADS } from "./workloads.ts";

const quick = process.argv.includes("--quick");
const effort = quick
  ? { rounds: 2, warmUp: 5, slice: 1, calls: 500, loopbackRounds: 1, loopback: 100, imports: 1 }
  : { rounds: 25, warmUp: 120, slice: 8, calls: 20_000, loopbackRounds: 9, loopback: 600, imports: 9 };

/** A cell of a worker, measured in every round. */
interface Task {
  readonly library: string;
  readonly cell: string;
  readonly worker: Worker;
}

const figures = new Figures();
installPeers({ optional: quick });

const tableCells = SIZES.flatMap((size) => WORKLOADS.map((workload) => cellName(workload, size)));
const goalCells = SIZES.flatMap((size) =>
  ["known", "unknown", "save"].map((what) => `${what} ${sizeName(size)}`),
);
const workers: [library: string, worker: Worker, cells: readonly string[]][] = [
  ["floor", Worker.node("floor"), tableCells.filter((cell) => !cell.startsWith("open"))],
  ["goals", Worker.node("goals"), ["forged", ...goalCells]],
  ...LIBRARIES.map(({ name, start }): [string, Worker, string[]] => [name, start(), tableCells]),
];
const tasks: Task[] = workers.flatMap(([library, worker, cells]) =>
  cells.map((cell) => ({ library, cell, worker })),
);

const saving = ["read", "save"] as const;
const servers = [...WORKLOADS, "floor"] as const;
const progress = new Progress(
  tasks.length * (effort.rounds + 1) + effort.loopbackRounds * servers.length + 3,
);

const measurable: Task[] = [];
for (const task of tasks) {
  progress.step(`warming up ${task.library} · ${task.cell}`);
  try {
    await task.worker.measure({ cell: task.cell, verb: "time", amount: effort.warmUp });
    measurable.push(task);
  } catch (error) {
    // A library may have nothing to measure here, or refuse so large a session; its cell shows a dash.
    if (process.argv.includes("--verbose"))
      console.error(`\n${task.library} · ${task.cell}: ${String(error)}`);
  }
}
for (let round = 1; round <= effort.rounds; round++) {
  for (const { library, cell, worker } of measurable) {
    progress.step(`round ${round} of ${effort.rounds}: ${library} · ${cell}`);
    figures.add(library, cell, await worker.measure({ cell, verb: "time", amount: effort.slice }));
  }
}
for (const [, worker] of workers) worker.stop();

// The young generation must take all calls without a collection: 20 000 of the 10 KB some libraries need.
const counting = Worker.node("hipflask", [
  "--expose-gc",
  "--max-semi-space-size=512",
  "--min-semi-space-size=512",
]);
for (const workload of saving) {
  const cell = cellName(workload, SIZES[0]);
  progress.step(`counting bytes · ${cell}`);
  await counting.measure({ cell, verb: "allocate", amount: effort.calls });
  figures.add("allocation", cell, await counting.measure({ cell, verb: "allocate", amount: effort.calls }));
}
counting.stop();

const loopback = await startLoopback();
for (let round = 1; round <= effort.loopbackRounds; round++) {
  for (const server of servers) {
    progress.step(`loopback round ${round} of ${effort.loopbackRounds}: ${server}`);
    figures.add("loopback", server, await loopback.measure(server, effort.loopback));
  }
}
loopback.stop();

progress.step("import");
const goals = judge(figures, { bytes: installedSize(), imports: importTimes(effort.imports) });
progress.end();

const results = resultsOf(figures, goals, quick);
console.log(`\n${table(results)}\n\n${goalTable(goals)}\n`);
if (quick) console.log("A quick run: it proves that everything can be measured; the figures are rough.");
else {
  const images = new URL("../../docs/images/", import.meta.url);
  mkdirSync(images, { recursive: true });
  writeFileSync(new URL("../results.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(new URL("bench.svg", images), chart(results));
  writeInto(new URL("../../docs/performance.md", import.meta.url), results);
  console.log("Written: bench/results.json, docs/images/bench.svg, the tables in docs/performance.md");
}
