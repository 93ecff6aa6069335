import { randomBytes } from "node:crypto";
import type { FlowRecord } from "./flow-record.ts";

const RECORDS_KEPT = 8;

/** A record with its number in the visitor's history. */
export type Numbered = FlowRecord & { readonly number: number };

/** One browser: the flow of its last requests, newest first, and the viewers who watch it live. */
export class Visitor {
  readonly id = randomBytes(16).toString("base64url");
  /** The last forgery the demo made for this browser, and what it was made from. */
  forgery: { readonly original: string; readonly altered: string } | undefined;
  /** Called after each new record: the streams that are open to this browser. */
  readonly watchers = new Set<() => void>();
  #records: readonly Numbered[] = [];
  #count = 0;

  get records(): readonly Numbered[] {
    return this.#records;
  }

  /** Grows with each record. */
  get version(): number {
    return this.#count;
  }

  add(record: FlowRecord): void {
    const numbered = { ...record, number: ++this.#count };
    this.#records = [numbered, ...this.#records].slice(0, RECORDS_KEPT);
    for (const notify of this.watchers) notify();
  }
}

/** The browsers seen last. Bounded, so that strangers cannot fill the memory: the one that was away longest is forgotten. */
export class Visitors {
  readonly #byId = new Map<string, Visitor>();
  readonly #capacity: number;

  constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  /** The visitor of that id. An id that was not given out has no visitor. */
  find(id: string | undefined): Visitor | undefined {
    const visitor = id === undefined ? undefined : this.#byId.get(id);
    if (visitor === undefined) return undefined;
    this.#byId.delete(visitor.id);
    this.#byId.set(visitor.id, visitor);
    return visitor;
  }

  welcome(): Visitor {
    const visitor = new Visitor();
    this.#byId.set(visitor.id, visitor);
    if (this.#byId.size > this.#capacity) this.#byId.delete(this.#byId.keys().next().value!);
    return visitor;
  }
}
