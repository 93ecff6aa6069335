let read = (): number => Date.now();

/** Epoch milliseconds: the default of every option `now`. */
export const systemClock = (): number => read();

/** Replaces what {@link systemClock} reads, for a framework in which code must not call `Date.now`. */
export function readSystemClockBy(clock: () => number): void {
  read = clock;
}
