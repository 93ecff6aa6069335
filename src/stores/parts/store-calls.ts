import { setTimeout as sleep } from "node:timers/promises";
import { HipflaskError, SessionConflictError, StoreError } from "../../errors.ts";
import { systemClock } from "../../itsdangerous/system-clock.ts";
import { storeError } from "./driver-errors.ts";
import type { Store } from "./store.ts";

/** Options of {@link StoreCalls}. */
export interface CallOptions {
  /** Timeout of a read or a commit in seconds, including waiting and retries. Default 2. */
  readonly seconds?: number | undefined;
  /** Called for each read or commit that fails, before its promise is rejected. */
  readonly onFailure?: ((task: string, error: StoreError) => void) | undefined;
}

const SECONDS = 2;

/** A store as the library calls it: each read and commit is a task with a timeout, and the store's time is known. */
export class StoreCalls<Content = string> {
  readonly store: Store<Content>;
  readonly clock: StoreClock;
  readonly #options: CallOptions;

  constructor(store: Store<Content>, options: CallOptions = {}) {
    this.store = store;
    this.clock = new StoreClock(store);
    this.#options = options;
  }

  /** @param name the name of the task, for messages */
  task(name: string): Task {
    const { seconds = SECONDS, onFailure } = this.#options;
    return new Task(this.store.name, name, seconds, onFailure);
  }

  /** Resolves when the clock can be read; `undefined` if it can be read already. */
  clockReady(task: Task): Promise<unknown> | undefined {
    const ready = this.clock.ready();
    // A pending request for the time is shared; after a failure, another one is sent.
    return ready && task.ask("now", async () => ready.catch(() => this.clock.ready()));
  }
}

/** How often a step is sent again after an error. */
const RETRIES = 2;
/** Conflicts in a row after which a change fails. */
const MAX_CONFLICTS = 100;
/** Upper limit of a random backoff, in milliseconds. */
const LONGEST_BACKOFF = 20;
/** How many random keys are tried. A collision only happens if the random source is broken. */
const MAX_COLLISIONS = 3;

/** One read or commit, with a timeout for all of its steps. */
export class Task {
  isOver = false;
  /** Called at the timeout. */
  onOver: (() => void) | undefined;
  /** A step failed with an unknown outcome and was sent again. */
  isRepeated = false;
  readonly #store: string;
  readonly #name: string;
  readonly #seconds: number;
  readonly #onFailure: ((task: string, error: StoreError) => void) | undefined;

  /**
   * @param store the `name` of the store
   * @param name the name of the task, for messages
   * @param onFailure called with a `StoreError` before the task rejects with it
   */
  constructor(
    store: string,
    name: string,
    seconds: number,
    onFailure?: (task: string, error: StoreError) => void,
  ) {
    this.#store = store;
    this.#name = name;
    this.#seconds = seconds;
    this.#onFailure = onFailure;
  }

  /**
   * Resolves like `work`, or rejects with a `StoreError` that names the store and the task: "timeout", or the error that `work`
   * rejected with. Errors of the library are passed on unchanged.
   */
  within<Result>(work: Promise<Result>): Promise<Result> {
    // One promise instead of a chain, for speed: this runs once or twice per request.
    return new Promise((resolve, reject) => {
      const fail = (error: HipflaskError) => {
        if (error instanceof StoreError) this.#onFailure?.(this.#name, error);
        reject(error);
      };
      const timer = setTimeout(() => {
        this.isOver = true;
        fail(this.#timeout());
        this.onOver?.();
      }, this.#seconds * 1000);
      work.then(
        // oxlint-disable-next-line promise/always-return -- the promise around it is what is returned
        (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        (error: unknown) => {
          // After the timeout, the promise is already rejected.
          if (this.isOver) return;
          clearTimeout(timer);
          fail(error instanceof HipflaskError ? error : storeError(this.#store, this.#name, error));
        },
      );
    });
  }

  /** Sends a step, and sends it again after an error with an unknown outcome. @throws StoreError */
  async ask<Answer>(step: string, send: () => Promise<Answer>): Promise<Answer> {
    for (let retries = 0; ; retries++) {
      try {
        return await send();
      } catch (error) {
        const failure = storeError(this.#store, step, error);
        const isOpen = failure.reason === "unavailable" || failure.reason === "timeout";
        if (!isOpen || retries === RETRIES || this.isOver) throw failure;
        this.isRepeated = true;
      }
      if (retries > 0) await sleep(Math.random() * LONGEST_BACKOFF);
      this.check();
    }
  }

  /** Call before each further step, so that none is sent after the timeout. @throws StoreError "timeout" */
  check(): void {
    if (this.isOver) throw this.#timeout();
  }

  #timeout(): StoreError {
    const limit = `within ${this.#seconds} seconds`;
    return new StoreError("timeout", `${this.#store} did not answer "${this.#name}" ${limit}.`);
  }
}

/** Runs other work with a timeout. */
export function withTimeout<Result>(
  store: string,
  name: string,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Task(store, name, seconds).within(Promise.resolve().then(work));
}

/**
 * Waits before a change is tried again after a conflict: not at all the first time, then with random backoff. Use it as
 * `for (let conflicts = 0; ; await backOff(++conflicts))`.
 *
 * @throws SessionConflictError at the 100th conflict
 */
export async function backOff(conflicts: number): Promise<void> {
  if (conflicts === MAX_CONFLICTS) throw new SessionConflictError(MAX_CONFLICTS);
  if (conflicts > 1) await sleep(Math.random() * Math.min(LONGEST_BACKOFF, 2 ** (conflicts - 1)));
}

/** Inserts under a random key, and under another one if it is taken. @throws StoreError */
export async function underFreshKey<Result>(insert: () => Promise<Result | "taken">): Promise<Result> {
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const result = await insert();
    if (result !== "taken") return result;
  }
  throw new StoreError(
    "unavailable",
    "Every new random key exists already in the store, so the random source of this process must be broken.",
  );
}

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
