import { systemClock } from "../../itsdangerous/system-clock.ts";
import type { Store } from "./store.ts";

/** Milliseconds after which the store's time is requested again. */
const RENEW = 60_000;
/** Milliseconds: stores return whole milliseconds, and {@link StoreClock.now} rounds again. */
const ROUNDING = 1;
/** Milliseconds by which two clocks may drift apart per millisecond. */
const DRIFT = 1e-4;

/**
 * The store's time, for decisions made in this process: whether a touch is due, whether a grace period is over. The store is
 * asked about once a minute; in between, the time is computed from this process's monotonic clock, so a wrong system clock
 * here has no effect.
 */
export class StoreClock {
  readonly #store: Pick<Store, "now">;
  /** Store's clock minus `performance.now()`. */
  #distance: number | undefined;
  /** Error of the distance in milliseconds when it was measured, and the time of that measurement. */
  #error = 0;
  #learnedAt = 0;
  #asking: Promise<void> | undefined;
  #isAtHand = false;

  constructor(store: Pick<Store, "now">) {
    this.#store = store;
  }

  /**
   * Milliseconds by which {@link now} may be wrong: half of the round trip of the measurement, growing with its age. 0 for a
   * store whose `now` returns a number.
   */
  get uncertainty(): number {
    if (this.#isAtHand || this.#distance === undefined) return 0;
    return this.#error + (performance.now() - this.#learnedAt) * DRIFT;
  }

  /**
   * Takes the time from a response of the store. A measurement less exact than the current one is ignored, unless they
   * contradict each other, which means that the store's clock was set.
   *
   * @param sent `performance.now()` when the request was sent
   */
  observe(now: number, sent: number): void {
    const received = performance.now();
    const error = ROUNDING + (received - sent) / 2;
    const distance = now - (sent + received) / 2;
    const { uncertainty } = this;
    const isRecent = this.#distance !== undefined && received < this.#learnedAt + RENEW;
    if (isRecent && error > uncertainty && Math.abs(distance - this.#distance!) <= error + uncertainty)
      return;
    this.#distance = distance;
    this.#error = error;
    this.#learnedAt = received;
  }

  /** Resolves when {@link now} can be called; `undefined` if it can be called already. Only waits for the first response. */
  ready(): Promise<void> | undefined {
    if (this.#isAtHand || this.#store.now === undefined) return undefined;
    if (this.#distance !== undefined && performance.now() < this.#learnedAt + RENEW) return undefined;
    this.#asking ??= this.#ask();
    if (this.#distance === undefined) return this.#isAtHand ? undefined : this.#asking;
    // Until the next response, the last measurement is used.
    this.#asking?.catch(() => {});
    return undefined;
  }

  /** Epoch milliseconds by the store's clock; by this process's clock if the store has not returned its time yet. */
  now(): number {
    if (this.#isAtHand) return this.#store.now!() as number;
    return this.#distance === undefined ? systemClock() : Math.round(performance.now() + this.#distance);
  }

  async #ask(): Promise<void> {
    const sent = performance.now();
    try {
      const answer = this.#store.now!();
      this.#isAtHand = typeof answer === "number";
      if (!this.#isAtHand) this.observe(await answer, sent);
    } finally {
      this.#asking = undefined;
    }
  }
}
