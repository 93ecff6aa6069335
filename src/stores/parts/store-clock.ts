import { systemClock } from "../../itsdangerous/system-clock.ts";
import type { Store } from "./store.ts";

/** Milliseconds after which a clock that had to be fetched is asked again. */
const RENEW = 60_000;
/** Milliseconds. */
const ROUNDING = 1;

/**
 * The time at the store, for what is decided outside of it: whether a touch is due, whether a grace is over. It is asked
 * once; from then on its distance to this process's monotonic clock is enough, so a wrong wall clock here changes nothing.
 */
export class StoreClock {
  readonly #store: Pick<Store, "now">;
  /** Store's clock minus `performance.now()`. */
  #distance: number | undefined;
  #renewAt = 0;
  #asking: Promise<void> | undefined;
  #isAtHand = false;
  /**
   * Milliseconds by which times of two processes may differ beyond the millisecond of any whole number: stores tell whole
   * milliseconds, which {@link now} rounds again, and the store was asked in a round trip.
   */
  uncertainty = 0;

  constructor(store: Pick<Store, "now">) {
    this.#store = store;
  }

  /** A read brought the time along. */
  observe(now: number): void {
    this.#distance = now - performance.now();
    this.#renewAt = performance.now() + RENEW;
    this.uncertainty = ROUNDING;
  }

  /** Resolves once {@link now} can be called; `undefined` if it can be already. Only the first answer is waited for. */
  ready(): Promise<void> | undefined {
    if (this.#isAtHand || this.#store.now === undefined) return undefined;
    if (this.#distance !== undefined && performance.now() < this.#renewAt) return undefined;
    this.#asking ??= this.#ask();
    if (this.#distance === undefined) return this.#isAtHand ? undefined : this.#asking;
    // The last answer stays good enough until the next one.
    this.#asking?.catch(() => {});
    return undefined;
  }

  /** Epoch milliseconds by the store's clock; by this process's as long as the store has not told its own. */
  now(): number {
    if (this.#isAtHand) return this.#store.now!() as number;
    return this.#distance === undefined ? systemClock() : Math.round(performance.now() + this.#distance);
  }

  async #ask(): Promise<void> {
    const from = performance.now();
    try {
      const answer = this.#store.now!();
      this.#isAtHand = typeof answer === "number";
      if (this.#isAtHand) return;
      const now = await answer;
      const took = performance.now() - from;
      this.observe(now + took / 2);
      this.uncertainty = ROUNDING + Math.ceil(took / 2);
    } finally {
      this.#asking = undefined;
    }
  }
}
