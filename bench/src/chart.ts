import type { Results, Row } from "./results.ts";
import { formatRatio } from "./table.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

/** All in pixels of the drawing, which scales as a whole. */
const WIDTH = 840;
const LEFT = 24;
const NAMES = 182;
const PANEL = 194;
const GAP = 14;
/** Room at the end of the longest bar for its figure. */
const LABEL = 46;
const TOP = 118;
const ROW = 28;
const BAR = 14;
const FOOT = 46;

const TITLES: Record<Workload, string> = {
  open: "open · not accessed",
  read: "read · one key",
  save: "save · read one, write one",
};

/** Ratios at the two ends of the logarithmic axis. */
const SMALLEST = 0.1;
const LARGEST = 400;

const STYLE = `
  text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .card { fill: #ffffff; stroke: #d1d9e0 }
  .title { font-size: 17px; font-weight: 600 }
  .soft { fill: #59636e; font-size: 12px }
  .ours-name { font-weight: 600 }
  .figure { font-size: 11.5px; font-variant-numeric: tabular-nums; paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
  .ours { fill: #0969da }
  .peer { fill: #b6bfc9 }
  .floor { stroke: #59636e; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .card { fill: #0d1117; stroke: #3d444d }
    .soft { fill: #9198a1 }
    .figure { stroke: #0d1117 }
    .ours { fill: #4493f8 }
    .peer { fill: #4d5560 }
    .floor { stroke: #9198a1 }
  }`;

/** The table's first size as an SVG for the README: a row for each library, a panel for each workload. */
export function chart({ floor, rows, node }: Results): string {
  const { size } = floor[0]!;
  const height = TOP + rows.length * ROW + FOOT;
  const bottom = TOP + rows.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc">
<title id="title">What a session adds to a request</title>
<desc id="desc">${describe(rows, size)}</desc>
<style>${STYLE}
</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10"/>
<text class="title" x="${LEFT}" y="36">What a session adds to a request</text>
<text class="soft" x="${LEFT}" y="57">a session of ${size}, in multiples of the floor (dotted): one createHmac + base64url + JSON.parse · shorter is better</text>
${WORKLOADS.map((workload, n) => panelHead(workload, n, bottom)).join("\n")}
${rows.map((row, n) => rowOf(row, n, size)).join("\n")}
<text class="soft" x="${LEFT}" y="${bottom + 26}">Logarithmic scale. Node ${escape(node)}, medians of interleaved rounds in one run: npm run bench</text>
</svg>
`;
}

const panelAt = (n: number): number => LEFT + NAMES + n * (PANEL + GAP);

function panelHead(workload: Workload, n: number, bottom: number): string {
  const x = panelAt(n);
  const floor = x + length(1);
  return `<text class="soft" x="${x}" y="${TOP - 22}">${TITLES[workload]}</text>
<line class="floor" x1="${floor}" x2="${floor}" y1="${TOP - 12}" y2="${bottom}"/>`;
}

function rowOf({ name, kind, costs }: Row, n: number, size: string): string {
  const y = TOP + n * ROW;
  const baseline = y + ROW / 2 + 4;
  const bars = WORKLOADS.map((workload, panel) => {
    const ratio = costs.find((cost) => cost.size === size && cost.workload === workload)?.ratio ?? null;
    const x = panelAt(panel);
    if (ratio === null) return `<text class="soft" x="${x}" y="${baseline}">–</text>`;
    const width = length(ratio);
    return (
      `<rect class="${kind}" x="${x}" y="${y + (ROW - BAR) / 2}" width="${width}" height="${BAR}" rx="2"/>` +
      `<text class="figure" x="${round(x + width + 6)}" y="${baseline}">${formatRatio(ratio)}</text>`
    );
  });
  const label = `<text${kind === "ours" ? ' class="ours-name"' : ""} x="${LEFT}" y="${baseline}">${escape(name)}</text>`;
  return [label, ...bars].join("");
}

/** Where a ratio is on the logarithmic axis. */
function length(ratio: number): number {
  const share = Math.log(Math.max(ratio, SMALLEST) / SMALLEST) / Math.log(LARGEST / SMALLEST);
  return round(2 + Math.min(1, share) * (PANEL - LABEL - 2));
}

function describe(rows: readonly Row[], size: string): string {
  const reads = rows.map(({ name, costs }) => {
    const read = costs.find((cost) => cost.size === size && cost.workload === "read");
    return `${name} ${formatRatio(read?.ratio ?? null)}`;
  });
  return escape(`Reading one key, in multiples of the floor: ${reads.join(", ")}.`);
}

const round = (value: number): number => Math.round(value * 10) / 10;

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
