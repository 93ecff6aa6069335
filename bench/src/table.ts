import type { Goal } from "./goals.ts";
import type { Results, Row } from "./results.ts";
import { WORKLOADS } from "./workloads.ts";

const NAME = 26;
const CELL = 8;

/** The table as text: a row for each library, what it adds to a request as multiples of the floor. */
export function table({ floor, rows }: Results): string {
  const sizes = floor.map(({ size }) => size);
  const head = sizes.map((size) => ` │ ${center(size, CELL * WORKLOADS.length)}`).join("");
  const words = sizes
    .map(() => ` │ ${WORKLOADS.map((workload) => workload.padStart(CELL)).join("")}`)
    .join("");
  const units = floor
    .map(({ microseconds }) => ` │ ${center(`= ${microseconds} µs`, CELL * WORKLOADS.length)}`)
    .join("");
  const rule = "─".repeat(NAME) + `─┼─${"─".repeat(CELL * WORKLOADS.length)}`.repeat(sizes.length);
  return [
    "What a session adds to a request, in multiples of the floor (createHmac + base64url + JSON.parse):",
    "open: a valid cookie, session not accessed · read: one key · save: read one, write one",
    "",
    " ".repeat(NAME) + head,
    " ".repeat(NAME) + words,
    rule,
    "the floor".padEnd(NAME) + units,
    ...rows.map((row) => row.name.padEnd(NAME) + cells(row, sizes)),
  ].join("\n");
}

function cells({ costs }: Row, sizes: readonly string[]): string {
  return sizes
    .map((size) => {
      const ofSize = costs.filter((cost) => cost.size === size);
      return ` │ ${ofSize.map(({ ratio }) => formatRatio(ratio).padStart(CELL)).join("")}`;
    })
    .join("");
}

/** Two significant digits; a dash where there is nothing to measure. */
export function formatRatio(ratio: number | null): string {
  if (ratio === null) return "–";
  if (ratio >= 10) return `${Math.round(ratio)}×`;
  return `${ratio.toFixed(ratio >= 1 ? 1 : 2)}×`;
}

/** The goals as text, goal and figure side by side. */
export function goalTable(goals: readonly Goal[]): string {
  const width = (of: (goal: Goal) => string) => Math.max(...goals.map((goal) => of(goal).length));
  const [what, limit, figure] = [width((g) => g.what), width((g) => g.goal), width((g) => g.figure)];
  return goals
    .map((goal) => {
      const cells = [
        goal.id.padEnd(4),
        goal.what.padEnd(what),
        goal.goal.padEnd(limit),
        goal.figure.padEnd(figure),
      ];
      return [...cells, verdict(goal)].join("  ");
    })
    .join("\n");
}

/** In words; there may have been nothing to judge the goal by. */
export function verdict({ isMet }: Goal): string {
  if (isMet === undefined) return "not measured";
  return isMet ? "met" : "NOT MET";
}

function center(text: string, width: number): string {
  return text.padStart(Math.floor((width + text.length) / 2)).padEnd(width);
}
