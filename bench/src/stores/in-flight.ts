/** What a call took: microseconds of the clock, with others in flight, and of this process's own work. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** One session, to be loaded and saved repeatedly. */
export interface Verbs {
  readonly load: () => Promise<unknown>;
  readonly save: () => Promise<unknown>;
}

/** Calls that are under way at the same time, as on a server with some traffic. */
export const IN_FLIGHT = 16;

/**
 * A call that takes the next one of `items` for itself as long as it is under way, as visitors each have a session of their own.
 * There must be as many items as calls in flight.
 */
export function inTurn<Item>(items: readonly Item[], act: (item: Item) => Promise<unknown>) {
  const free = [...items];
  return async (): Promise<void> => {
    const item = free.shift()!;
    await act(item);
    free.push(item);
  };
}

/** Calls over and over for at least this many milliseconds. */
export async function costOf(
  call: () => Promise<unknown>,
  milliseconds: number,
  inFlight: number,
): Promise<Cost> {
  let calls = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const lane = async () => {
    do {
      await call();
      calls++;
    } while (performance.now() - start < milliseconds);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const used = process.cpuUsage(cpu);
  return { wall: ((performance.now() - start) * 1000) / calls, cpu: (used.user + used.system) / calls };
}
