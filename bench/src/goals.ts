import type { Figures } from "./figures.ts";
import { LIBRARIES } from "./libraries.ts";
import { cellName } from "./peer.ts";
import { sizeName, SIZES, WORKLOADS } from "./workloads.ts";

/** A promise about speed, with what this run says about it. */
export interface Goal {
  readonly id: string;
  readonly what: string;
  readonly goal: string;
  readonly figure: string;
  /** `undefined` if it was not measured. */
  readonly isMet: boolean | undefined;
}

/** What is known besides the times: see `footprint.ts`. */
export interface Footprint {
  readonly bytes: number;
  /** Milliseconds. */
  readonly imports: { readonly ours: number; readonly expressSession: number };
}

const US = "hipflask";
const ALLOCATION = "allocation";
const two = (value: number): string => value.toFixed(2);
const kilobytes = (value: number): string => `${(value / 1000).toFixed(1)} KB`;

/** The goals this benchmark can judge. Limits are ratios within one run, but for bytes, which hardly vary. */
export function judge(figures: Figures, { bytes, imports }: Footprint): Goal[] {
  const sizes = (cell: string) => SIZES.map((size) => figures.ratio("goals", `${cell} ${sizeName(size)}`));
  const read = cellName("read", SIZES[0]);
  const save = cellName("save", SIZES[0]);
  const readAgainst = (peer: string) => quotient(figures.overhead(US, read), figures.overhead(peer, read));
  const hardest = hardestPeer(figures);
  const floor = figures.ratio("loopback", "floor");
  return [
    atMost(
      "P1",
      "untouched session, a valid cookie sent: time per request, of the bare server",
      [1.05],
      [quotient(1, figures.ratio("loopback", "open"))],
    ),
    atMost("P2", "open and read a known cookie, of one HMAC of it; by size", [0.5], sizes("known")),
    atMost("P3", "open and read an unknown cookie, of the floor; by size", [1.2], sizes("unknown")),
    atMost(
      "P4",
      "open a known cookie, change a key, save, of stringify + HMAC; by size",
      [1.6],
      sizes("save"),
    ),
    atMost(
      "P5",
      "cost of a read, of cookie-session's · of Flask's",
      [1 / 10, 1 / 50],
      [readAgainst("cookie-session"), readAgainst("Flask (Python)")],
      (value) => value.toFixed(3),
    ),
    atLeast(
      "P6",
      `requests per second, of the bare server's: read · save (saving on the floor: ${two(floor ?? NaN)})`,
      [0.95, 0.75],
      [figures.ratio("loopback", "read"), figures.ratio("loopback", "save")],
    ),
    atMost("P7", `every peer, every workload; closest: ${hardest.name}`, [1], [hardest.ratio]),
    atMost("P12", "size of the core and its types", [250_000], [bytes], kilobytes),
    atMost(
      "P12",
      `time to import it and an adapter (${imports.ours.toFixed(1)} ms), of express-session's`,
      [0.9],
      [imports.ours / imports.expressSession],
    ),
    atMost(
      "P13",
      "bytes allocated per request: read · save",
      [1024, 4096],
      [figures.overhead(ALLOCATION, read), figures.overhead(ALLOCATION, save)],
      (value) => value.toFixed(0),
    ),
    atMost("P14", "refuse a forged cookie, of one HMAC", [1.3], [figures.ratio("goals", "forged")]),
  ];
}

type Values = readonly (number | undefined)[];

/** @param limits one for all values, or one for each */
function atMost(id: string, what: string, limits: readonly number[], values: Values, format = two): Goal {
  return goal(id, what, "≤", limits, values, (value, limit) => value <= limit, format);
}

function atLeast(id: string, what: string, limits: readonly number[], values: Values, format = two): Goal {
  return goal(id, what, "≥", limits, values, (value, limit) => value >= limit, format);
}

function goal(
  id: string,
  what: string,
  sign: string,
  limits: readonly number[],
  values: Values,
  holds: (value: number, limit: number) => boolean,
  format: (value: number) => string,
): Goal {
  const known = values.map((value, n) => value !== undefined && { value, limit: limits[n] ?? limits[0]! });
  const measured = known.filter((pair) => pair !== false);
  return {
    id,
    what,
    goal: `${sign} ${limits.map(format).join(" · ")}`,
    figure: known.map((pair) => (pair === false ? "not measured" : format(pair.value))).join(" · "),
    isMet: measured.length === 0 ? undefined : measured.every(({ value, limit }) => holds(value, limit)),
  };
}

/** Of all peers, workloads and sizes the one where we are least ahead. */
function hardestPeer(figures: Figures): { name: string; ratio: number | undefined } {
  let hardest: { name: string; ratio: number | undefined } = { name: "none", ratio: undefined };
  for (const { name, kind } of LIBRARIES) {
    if (kind === "ours") continue;
    for (const workload of WORKLOADS) {
      for (const size of SIZES) {
        const cell = cellName(workload, size);
        const ratio = quotient(figures.overhead(US, cell), figures.overhead(name, cell));
        if (ratio !== undefined && ratio > (hardest.ratio ?? -Infinity))
          hardest = { name: `${name}, ${cell}`, ratio };
      }
    }
  }
  return hardest;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
