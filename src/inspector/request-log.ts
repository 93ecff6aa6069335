import type { RequestTrace } from "./request-trace.ts";

/** The last requests, newest first, up to a limit. */
export class RequestLog {
  readonly #capacity: number;
  #traces: readonly RequestTrace[] = [];
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get traces(): readonly RequestTrace[] {
    return this.#traces;
  }

  /** Number of requests so far. */
  get count(): number {
    return this.#count;
  }

  add(trace: RequestTrace): void {
    trace.number = ++this.#count;
    this.#traces = [trace, ...this.#traces].slice(0, this.#capacity);
  }
}
