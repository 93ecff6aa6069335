import type { SessionCallback } from "./session-store.ts";

/**
 * What ends in a callback as what a held response waits for.
 *
 * @returns `undefined` if it is done in the same moment
 * @throws what it fails with in the same moment
 */
export function settled(start: (done: SessionCallback) => void): Promise<void> | undefined {
  let done: { readonly error: unknown } | undefined;
  let settle: SessionCallback = (error) => (done = { error });
  start((error) => settle(error));
  if (done?.error) throw done.error;
  if (done) return undefined;
  return new Promise((resolve, reject) => {
    settle = (error) => (error ? reject(error as Error) : resolve());
  });
}

/** Calls a callback with the result; an error thrown by the callback does not count as an error of the act. */
export function attempt(act: () => void, then: SessionCallback = () => {}): void {
  try {
    act();
  } catch (error) {
    then(error);
    return;
  }
  then();
}
