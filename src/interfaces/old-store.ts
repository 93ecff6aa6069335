import type { OldStore } from "../accepts/accepted-cookie.ts";
import { StoreError } from "../errors.ts";
import { storeError } from "../stores/store-error.ts";

/**
 * Asks the store of the old application, whichever way it answers, and waits no longer than that many seconds.
 *
 * @throws StoreError if it fails, or says nothing
 */
export async function askOldStore(
  store: OldStore,
  verb: "get" | "destroy",
  id: string,
  seconds: number,
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const late = () =>
        reject(
          new StoreError("timeout", `The old store did not answer "${verb}" within ${seconds} seconds.`),
        );
      timer = setTimeout(late, seconds * 1000);
      answerOf(store, verb, id, resolve, reject);
    });
  } catch (error) {
    // How stores that keep files say that there is none, which express-session takes for no record.
    if ((error as { code?: unknown } | null)?.code === "ENOENT") return undefined;
    throw storeError(verb, error);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(
  store: OldStore,
  verb: "get" | "destroy",
  id: string,
  resolve: (answer: unknown) => void,
  reject: (error: unknown) => void,
): void {
  const takesCallback = store[verb]?.length === 2;
  const answer = store[verb]?.(id, (error, record) => (error ? reject(error) : resolve(record)));
  // Some have a callback and a promise besides, which is then worth nothing and settles after it.
  if (isPromise(answer)) answer.then(resolve, reject);
  else if (!takesCallback) resolve(answer);
}

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === "function";
}
