import { median } from "../figures.ts";
import type { Cost } from "./in-flight.ts";
import type { Subject } from "./subjects.ts";

/** What of a subject was measured: a verb or a kind of request, at some size and number in flight. */
export interface Cell {
  readonly subject: Subject;
  readonly what: string;
  readonly size: number;
  readonly inFlight: number;
}

/** All readings of a run; a round adds one to each cell. */
export class Readings {
  readonly #costs = new Map<string, Cost[]>();

  add(cell: Cell, cost: Cost): void {
    const costs = this.#costs.get(keyOf(cell));
    if (costs) costs.push(cost);
    else this.#costs.set(keyOf(cell), [cost]);
  }

  /** Microseconds per call; `undefined` if it was not measured. */
  median(cell: Cell, part: keyof Cost): number | undefined {
    const costs = this.#costs.get(keyOf(cell));
    return costs && median(costs.map((cost) => cost[part]));
  }

  /**
   * How two sums of cells compare: the median over rounds of what they say about each other within one, so that what hits
   * a whole round cancels out.
   */
  ratio(over: Sum, under: Sum): number | undefined {
    const [a, b] = [this.#sums(over), this.#sums(under)];
    return a && b && median(a.map((value, round) => value / b[round]!));
  }

  #sums({ of, less = [] }: Sum): number[] | undefined {
    const [added, taken] = [of, less].map((cells) => cells.map((cell) => this.#costs.get(keyOf(cell))));
    if ([...added!, ...taken!].includes(undefined)) return undefined;
    const total = (costs: typeof added, round: number) =>
      costs!.reduce((sum, cost) => sum + cost![round]!.wall, 0);
    return added![0]!.map((_, round) => total(added, round) - total(taken, round));
  }
}

/** Cells to be added up, and others to be taken away from that. */
export interface Sum {
  readonly of: readonly Cell[];
  readonly less?: readonly Cell[];
}

function keyOf({ subject: { kind, engine, name }, what, size, inFlight }: Cell): string {
  return [kind, engine, name, what, size, inFlight].join("/");
}
