import type { FlowRecord } from "./flow-record.ts";

/** The last requests, newest first, up to a limit. */
export class FlowLog {
  readonly #capacity: number;
  #records: readonly FlowRecord[] = [];
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get records(): readonly FlowRecord[] {
    return this.#records;
  }

  /** Number of requests so far. */
  get count(): number {
    return this.#count;
  }

  add(record: FlowRecord): void {
    record.number = ++this.#count;
    this.#records = [record, ...this.#records].slice(0, this.#capacity);
  }
}
