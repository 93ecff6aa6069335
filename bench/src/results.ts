import type { Figures } from "./figures.ts";
import type { Goal } from "./goals.ts";
import { LIBRARIES } from "./libraries.ts";
import { cellName } from "./peer.ts";
import { sizeName, SIZES, WORKLOADS, type Workload } from "./workloads.ts";

/** A library's overhead per request, by size and workload, as multiples of the floor; null where there is none. */
export interface Row {
  readonly name: string;
  readonly kind: "ours" | "peer";
  readonly costs: readonly {
    readonly size: string;
    readonly workload: Workload;
    readonly ratio: number | null;
  }[];
}

/** A whole run, as `results.json` keeps it. */
export interface Results {
  readonly node: string;
  readonly quick: boolean;
  /** Microseconds that the floor – one HMAC, base64url, JSON.parse – took, by size: the unit of all ratios. */
  readonly floor: readonly { readonly size: string; readonly microseconds: number }[];
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
}

export function resultsOf(figures: Figures, goals: readonly Goal[], quick: boolean): Results {
  const floorOf = (size: (typeof SIZES)[number]) => figures.overhead("floor", cellName("read", size))!;
  const rows = LIBRARIES.map(({ name, kind }) => ({
    name,
    kind,
    costs: SIZES.flatMap((size) =>
      WORKLOADS.map((workload) => {
        const overhead = figures.overhead(name, cellName(workload, size));
        const ratio = overhead === undefined ? null : round(Math.max(0, overhead / floorOf(size)));
        return { size: sizeName(size), workload, ratio };
      }),
    ),
  }));
  return {
    node: process.version,
    quick,
    floor: SIZES.map((size) => ({ size: sizeName(size), microseconds: round(floorOf(size) / 1000) })),
    rows,
    goals,
  };
}

const round = (value: number): number => Number(value.toPrecision(3));
