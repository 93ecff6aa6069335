import type { Reading } from "./measure.ts";

/** All readings of a run, and what they come to: always a median over rounds, never a single reading. */
export class Figures {
  readonly #readings = new Map<string, Reading[]>();

  add(library: string, cell: string, reading: Reading): void {
    const key = `${library}/${cell}`;
    this.#readings.set(key, [...(this.#readings.get(key) ?? []), reading]);
  }

  /** How much more the subject takes than the baseline, per call, in nanoseconds or bytes. */
  overhead(library: string, cell: string): number | undefined {
    return this.#median(library, cell, ({ subject, baseline }) => subject - baseline);
  }

  /** How many times the baseline the subject takes. */
  ratio(library: string, cell: string): number | undefined {
    return this.#median(library, cell, ({ subject, baseline }) => subject / baseline);
  }

  #median(library: string, cell: string, of: (reading: Reading) => number): number | undefined {
    const readings = this.#readings.get(`${library}/${cell}`);
    return readings && median(readings.map(of));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
