import { checkCount } from "../check-options.ts";

/** A running clock that can be moved ahead, so that tests need not wait for a session to expire. */
export interface TestClock {
  /** Epoch milliseconds, for the option `now` of stores. */
  readonly now: () => number;
  /** Milliseconds ahead of the real time, for factories that move the clock of the store's engine. */
  readonly offset: () => number;
  /** Moves the clock ahead. */
  advance(seconds: number): void;
}

/**
 * A {@link TestClock}.
 *
 * @example
 * ```ts
 * import { testClock } from "hipflask/testing";
 * import { memoryStore } from "hipflask/stores/memory";
 * const clock = testClock();
 * const store = memoryStore({ now: clock.now });
 * clock.advance(3600); // every session that was idle for an hour has expired
 * ```
 */
export function testClock(): TestClock {
  checkCount("testClock", arguments, 0, "it begins now, and advance(seconds) moves it");
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    offset: () => ahead,
    advance(seconds) {
      ahead += seconds * 1000;
    },
  };
}
