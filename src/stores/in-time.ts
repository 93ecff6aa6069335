import { StoreError } from "../errors.ts";
import { storeError } from "./store-error.ts";

/**
 * The answer of a store within `seconds`, or a rejection with a `StoreError` that names the store and the step: "timeout", or
 * what the store rejected with.
 */
export function inTime<Result>(
  name: string,
  verb: string,
  seconds: number,
  act: () => Promise<Result>,
): Promise<Result> {
  // One promise and no chain: every request with a session passes here once or twice.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new StoreError("timeout", `${name} did not answer "${verb}" within ${seconds} seconds.`));
    }, seconds * 1000);
    act().then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(storeError(name, verb, error));
      },
    );
  });
}
