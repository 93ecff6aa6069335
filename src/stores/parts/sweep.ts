import { setTimeout as sleep } from "node:timers/promises";
import { notify } from "../../callbacks.ts";
import { checkNames, checkNumber, checkSeconds, LONGEST_WAIT } from "../../check-options.ts";
import type { Store } from "./store.ts";

/** A store, or the sessions in one. */
export type Sweepable = Pick<Store, "removeExpired">;

/** Options for removing expired records. */
export interface SweepOptions {
  /** Seconds between two sweeps, randomly varied by 20% so that processes do not sweep at the same time. Default 60. */
  readonly every?: number;
  /** Records removed by one operation. Default 500. */
  readonly batch?: number;
  /** Seconds between two operations of a sweep. Default 0.01. */
  readonly pause?: number;
  /** Called with the error of a sweep that failed; the next sweep still runs. */
  readonly onError?: (error: unknown) => unknown;
}

/** A running sweep. */
export interface Sweep {
  /** Stops it and waits for the operation in flight. */
  close(): Promise<void>;
}

const EVERY = 60;
const BATCH = 500;
const PAUSE = 0.01;
/** Node runs a timer with a longer delay at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Removes expired records at regular intervals, on a timer that does not keep the process alive. Sessions expire on time
 * without it; a sweep frees their space. A `SessionManager` starts one for its store, unless `sweepEvery` is 0.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { startSweep } from "hipflask/stores/contract";
 * const sweep = startSweep(memoryStore(), { every: 60 });
 * await sweep.close();
 * ```
 */
export function startSweep(store: Sweepable, options: SweepOptions = {}): Sweep {
  const { every, onError } = checked("startSweep", options);
  const stop = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout;

  const schedule = () => {
    timer = setTimeout(run, Math.min(every * 1000 * (0.8 + Math.random() * 0.4), LONGEST_TIMER));
    // On workers, a timer is a number and never keeps the process alive.
    timer.unref?.();
  };
  const run = () => {
    running = sweepOnce(store, options, stop.signal)
      .catch((error: unknown) => notify(onError, error))
      .finally(() => stop.signal.aborted || schedule());
  };
  schedule();
  return {
    async close() {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

/**
 * Removes all expired records in batches, and resolves with their number. Does nothing for a store whose engine removes
 * expired records itself.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { sweepOnce } from "hipflask/stores/contract";
 * console.log(await sweepOnce(memoryStore())); // 0
 * ```
 */
export async function sweepOnce(
  store: Sweepable,
  options: SweepOptions = {},
  signal?: AbortSignal,
): Promise<number> {
  const { batch, pause } = checked("sweepOnce", options);
  let total = 0;
  let deleted: number;
  do {
    // In the background, the timer does not keep the process alive; a caller that awaits the number does.
    if (total > 0) await sleep(pause * 1000, undefined, { ref: signal === undefined });
    if (signal?.aborted) break;
    deleted = (await store.removeExpired?.(batch)) ?? 0;
    total += deleted;
  } while (deleted === batch);
  return total;
}

/** Options with their defaults. @throws ConfigError: timers treat a value that is not a number as one millisecond */
function checked(call: string, options: SweepOptions) {
  checkNames(call, options, ["every", "batch", "pause", "onError"]);
  const { every = EVERY, batch = BATCH, pause = PAUSE, onError } = options;
  checkSeconds("every", every);
  checkNumber("batch", batch, 1);
  checkSeconds("pause", pause, LONGEST_WAIT);
  return { every, batch, pause, onError };
}
