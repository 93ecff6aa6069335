import { systemClock } from "../../itsdangerous/system-clock.ts";
import type { Store } from "./store.ts";

/** Milliseconds after which what is known of a clock is learned anew. */
const RENEW = 60_000;
/** Milliseconds: stores tell whole ones, and {@link StoreClock.now} rounds to whole ones again. */
const ROUNDING = 1;
/** Milliseconds that two clocks may move apart in a millisecond. */
const DRIFT = 1e-4;

/**
 * The time at the store, for what is decided outside of it: whether a touch is due, whether a grace is over. It is asked
 * once; from then on its distance to this process's monotonic clock is enough, so a wrong wall clock here changes nothing.
 */
export class StoreClock {
  readonly #store: Pick<Store, "now">;
  /** Store's clock minus `performance.now()`. */
  #distance: number | undefined;
  /** Milliseconds by which the distance may have been wrong when it was learned, and when that was. */
  #error = 0;
  #learnedAt = 0;
  #asking: Promise<void> | undefined;
  #isAtHand = false;

  constructor(store: Pick<Store, "now">) {
    this.#store = store;
  }

  /**
   * Milliseconds by which {@link now} may be wrong: half of the round trip in which the store told its time, and more as
   * that gets older. 0 for a clock at hand.
   */
  get uncertainty(): number {
    if (this.#isAtHand || this.#distance === undefined) return 0;
    return this.#error + (performance.now() - this.#learnedAt) * DRIFT;
  }

  /**
   * An answer brought the time along. One that says less than what is known is left alone, unless it contradicts that: the clock
   * was set then.
   *
   * @param sent what was asked at this moment of `performance.now()`
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

  /** Resolves once {@link now} can be called; `undefined` if it can be already. Only the first answer is waited for. */
  ready(): Promise<void> | undefined {
    if (this.#isAtHand || this.#store.now === undefined) return undefined;
    if (this.#distance !== undefined && performance.now() < this.#learnedAt + RENEW) return undefined;
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
