import { checkCount } from "../check-options.ts";
/** A clock that runs like the real one and can be moved ahead, so that no test waits for a session to expire. */
export interface TestClock {
  /** Epoch milliseconds. For stores that take `now`. */
  readonly now: () => number;
  /** Milliseconds ahead of the real time. For stores that go by their engine's clock, which the kit's factory moves ahead. */
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
 * clock.advance(3600); // every session that was idle for an hour is gone now
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
