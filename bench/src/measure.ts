/** Something to measure, once per call. */
export type Operation = () => void | Promise<void>;

/** Two operations that are always measured side by side: only what they say about each other is worth keeping. */
export interface Pair {
  readonly subject: Operation;
  readonly baseline: Operation;
}

/** What was measured of a pair, per call: nanoseconds or bytes. */
export interface Reading {
  readonly subject: number;
  readonly baseline: number;
}

/** What a worker can measure, by name. Made when asked for: a pair may need a cookie first. */
export type Cells = Record<string, () => Pair | Promise<Pair>>;

/** Calls between two looks at the clock. */
const BATCH = 20;

/** Nanoseconds per call, over at least this many milliseconds. */
export async function time(operation: Operation, milliseconds: number): Promise<number> {
  await repeat(operation, BATCH); // another process had the core before, and its caches
  const start = performance.now();
  let calls = 0;
  let elapsed: number;
  do {
    await repeat(operation, BATCH);
    calls += BATCH;
    elapsed = performance.now() - start;
  } while (elapsed < milliseconds);
  return (elapsed / calls) * 1e6;
}

/**
 * Bytes allocated per call. Needs `--expose-gc`, and a young generation (`--max-semi-space-size`) that takes all calls
 * without a collection, since what a collection freed cannot be counted any more.
 */
export async function allocate(operation: Operation, calls: number): Promise<number> {
  globalThis.gc!();
  const before = process.memoryUsage().heapUsed;
  await repeat(operation, calls);
  return (process.memoryUsage().heapUsed - before) / calls;
}

async function repeat(operation: Operation, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const pending = operation();
    if (pending !== undefined) await pending;
  }
}
