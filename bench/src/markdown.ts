import { readFileSync, writeFileSync } from "node:fs";
import type { Results } from "./results.ts";
import { formatRatio, verdict } from "./table.ts";
import { WORKLOADS } from "./workloads.ts";

const END = "<!-- to here -->";

/** Puts the tables of a run in the place that a document has for them. */
export function writeInto(document: URL, results: Results): void {
  writeFigures(document, markdown(results), "npm run bench");
}

/** Replaces what a document has between the line that names `command` and the one that says where figures end. */
export function writeFigures(document: URL, figures: string, command: string): void {
  const text = readFileSync(document, "utf8");
  const begin = `<!-- ${command} writes from here -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${document.pathname} has no place for the figures.`);
  writeFileSync(document, `${text.slice(0, from)}${begin}\n\n${figures}\n\n${text.slice(to)}`);
}

function markdown({ floor, rows, goals, node }: Results): string {
  const columns = floor.flatMap(({ size }) => WORKLOADS.map((workload) => `${workload}, ${size}`));
  const units = floor.flatMap(({ microseconds }) => ["", `${microseconds} µs`, ""]);
  return [
    `Node ${node}; multiples of the floor, which is given in the first row.`,
    "",
    row(["", ...columns]),
    row(["---", ...columns.map(() => "--:")]),
    row(["the floor", ...units]),
    ...rows.map(({ name, kind, costs }) =>
      row([kind === "ours" ? `**${name}**` : name, ...costs.map(({ ratio }) => formatRatio(ratio))]),
    ),
    "",
    row(["", "what", "goal", "figure", ""]),
    row(["---", "---", "---", "---", "---"]),
    ...goals.map((goal) => row([goal.id, goal.what, goal.goal, goal.figure, verdict(goal)])),
  ].join("\n");
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
