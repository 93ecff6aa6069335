import { randomBytes } from "node:crypto";
import type { FlowRecord } from "./flow-record.ts";

const RECORDS_KEPT = 8;

/** A record with its number in the visitor's history. */
export type Numbered = FlowRecord & { readonly number: number };

/** One browser: its last requests, newest first, and its open streams. */
export class Visitor {
  readonly id = randomBytes(16).toString("base64url");
  /** The last forged cookie of this browser, and the original. */
  forgery: { readonly original: string; readonly altered: string } | undefined;
  /** Called after each new record, for open streams. */
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

/** The most recent browsers, up to a limit, so that visitors cannot exhaust the memory. */
export class Visitors {
  readonly #byId = new Map<string, Visitor>();
  readonly #capacity: number;

  constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  /** The visitor with an id; `undefined` for an unknown id. */
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
