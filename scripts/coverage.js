// `npm run coverage`: what the unit tests run of each folder of `src`, in lines and branches. Line by line it is in
// coverage/index.html.
import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const root = join(import.meta.dirname, "..");
const { total, ...files } = JSON.parse(readFileSync(join(root, "coverage/coverage-summary.json"), "utf8"));

const folders = new Map();
for (const [path, { lines, branches }] of Object.entries(files)) {
  const parts = relative(join(root, "src"), path).split(sep);
  const folder = parts.length > 1 ? `src/${parts[0]}/` : "src/*.ts";
  const sum = folders.get(folder) ?? { lines: { total: 0, covered: 0 }, branches: { total: 0, covered: 0 } };
  for (const [kind, counted] of Object.entries({ lines, branches })) {
    sum[kind].total += counted.total;
    sum[kind].covered += counted.covered;
  }
  folders.set(folder, sum);
}

const percent = ({ total, covered }) => (total === 0 ? "–" : `${((100 * covered) / total).toFixed(1)} %`);
const row = (name, lines, branches) =>
  console.log(name.padEnd(24) + lines.padStart(10) + branches.padStart(10));
row("", "lines", "branches");
for (const [name, sum] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1)))
  row(name, percent(sum.lines), percent(sum.branches));
row("all", percent(total.lines), percent(total.branches));
