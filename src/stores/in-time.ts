import { StoreError } from "../errors.ts";
import { isDropped, storeError } from "./store-error.ts";

/** What is asked of a store, and within what. */
export interface Question<Result> {
  /** For messages. */
  readonly verb: string;
  readonly seconds: number;
  /** Applying it twice does no harm: it is tried once more when the connection was dropped. */
  readonly repeatable: boolean;
  readonly act: () => Promise<Result>;
}

/** An answer in time, or a rejection with a `StoreError`: "timeout", or whatever became of the question. */
export function inTime<Result>({ verb, seconds, repeatable, act }: Question<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      reject(
        new StoreError("timeout", `The session store did not answer "${verb}" within ${seconds} seconds.`),
      );
    }, seconds * 1000);
    const again = (error: unknown) => {
      if (repeatable && !expired && isDropped(error)) return act();
      throw error;
    };
    // Begun in a promise, so that a driver that throws instead of rejecting is told of in the same way.
    Promise.resolve()
      .then(act)
      .catch(again)
      .then(resolve, (error: unknown) => reject(storeError(verb, error)))
      .finally(() => clearTimeout(timer));
  });
}
