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
  // No longer chain of promises than this: every request with a session passes here once or twice.
  return new Promise((resolve, reject) => {
    let attempts = repeatable ? 2 : 1;
    const timer = setTimeout(() => {
      attempts = 0;
      reject(
        new StoreError("timeout", `The session store did not answer "${verb}" within ${seconds} seconds.`),
      );
    }, seconds * 1000);
    const ask = async (): Promise<void> => {
      try {
        resolve(await act());
      } catch (error) {
        if (--attempts > 0 && isDropped(error)) return ask();
        reject(storeError(verb, error));
      }
      clearTimeout(timer);
    };
    void ask();
  });
}
