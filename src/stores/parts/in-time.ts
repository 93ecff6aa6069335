import { HipflaskError, StoreError } from "../../errors.ts";
import { storeError } from "./store-error.ts";

/**
 * The answer of a store within `seconds`, or a rejection with a `StoreError` that names the store and the step: "timeout", or
 * what the work rejected with. Errors of the library pass as they are.
 *
 * @param onFailure called for a `StoreError`, before the caller is told
 */
export function inTime<Result>(
  name: string,
  step: string,
  seconds: number,
  work: (time: TimeLimit) => Promise<Result>,
  onFailure?: (step: string, error: StoreError) => void,
): Promise<Result> {
  // One promise and no chain: every request with a session passes here once or twice.
  return new Promise((resolve, reject) => {
    const fail = (error: HipflaskError) => {
      if (error instanceof StoreError) onFailure?.(step, error);
      reject(error);
    };
    const time = new TimeLimit(name, step, seconds, fail);
    work(time).then(
      // oxlint-disable-next-line promise/always-return -- the promise around it is what is returned
      (result) => {
        time.end();
        resolve(result);
      },
      (error: unknown) => {
        // Otherwise its caller was told already.
        if (time.isOver) return;
        time.end();
        fail(error instanceof HipflaskError ? error : storeError(name, step, error));
      },
    );
  });
}

/** What a piece of work may take. */
export class TimeLimit {
  isOver = false;
  onOver: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #name: string;
  readonly #step: string;
  readonly #seconds: number;

  constructor(name: string, step: string, seconds: number, fail: (error: StoreError) => void) {
    this.#name = name;
    this.#step = step;
    this.#seconds = seconds;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      fail(this.#error());
      this.onOver?.();
    }, seconds * 1000);
  }

  /** Nothing more is begun once the caller was told that it failed. @throws StoreError "timeout" */
  check(): void {
    if (this.isOver) throw this.#error();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #error(): StoreError {
    const limit = `within ${this.#seconds} seconds`;
    return new StoreError("timeout", `${this.#name} did not answer "${this.#step}" ${limit}.`);
  }
}
