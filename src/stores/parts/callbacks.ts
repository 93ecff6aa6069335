import { StoreError } from "../../errors.ts";

/** Receives an error or a result. */
export type Answer = (error?: unknown, result?: unknown) => void;

/**
 * Calls a method of a store of express-session, which takes a callback, and passes on exactly one result: the first call of
 * the callback, what the method throws, or the rejection of a promise that it returns. `then` runs outside the store's own
 * calls, so that no store swallows its errors.
 *
 * @param verb the name of the method, for the error if it fails without one
 * @param isResult whether the returned value counts as the result; default: only the callback's does
 * @returns passes on a result of the caller, such as a timeout, unless there is one already
 */
export function askStore(
  verb: string,
  ask: (answer: Answer) => unknown,
  then: Answer,
  isResult: (returned: unknown) => boolean = () => false,
): Answer {
  let isAsking = true;
  let given: Parameters<Answer> | undefined;
  const answer: Answer = (...result) => {
    if (given !== undefined) return;
    given = result;
    if (!isAsking) hand(then, result);
  };
  const fail = (error: unknown): void =>
    answer(
      error ?? new StoreError("unavailable", `The session store failed at "${verb}" without saying why.`),
    );
  try {
    const returned = ask(answer);
    const isPromised = isPromise(returned);
    const result = (value: unknown): void => answer(undefined, value);
    if (isPromised) returned.then(isResult(returned) ? result : undefined, fail);
    else if (isResult(returned)) result(returned);
  } catch (error) {
    fail(error);
  }
  isAsking = false;
  if (given !== undefined) then(...(given as Parameters<Answer>));
  return answer;
}

/** The same as a promise of the result. */
export function promised(
  verb: string,
  ask: (answer: Answer) => unknown,
  isResult?: (returned: unknown) => boolean,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const then: Answer = (error, result) =>
      error === null || error === undefined ? resolve(result) : reject(error as Error);
    askStore(verb, ask, then, isResult);
  });
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** An error in a callback is thrown as from a callback, even if the store calls it from a promise. */
function hand(then: Answer, given: Parameters<Answer>): void {
  try {
    then(...given);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
