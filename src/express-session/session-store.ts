import { StoreError } from "../errors.ts";

/** Called when an operation of a store completes, with its error if it failed. */
export type SessionCallback = (error?: any) => void;

/** The methods of a store that the middleware calls. Every store for express-session has them. */
export interface SessionStore {
  get(id: string, callback: (error?: any, session?: any) => void): unknown;
  set(id: string, session: any, callback?: SessionCallback): unknown;
  destroy(id: string, callback?: SessionCallback): unknown;
  touch?(id: string, session: any, callback?: SessionCallback): unknown;
  createSession(req: any, session: any): unknown;
  regenerate?(req: any, callback: SessionCallback): unknown;
  on(event: "connect" | "disconnect", listener: () => void): unknown;
}

/** Called with an error or a value. */
export type Answer = (error?: unknown, value?: unknown) => void;

/**
 * Calls a store and passes on exactly one result: the first callback, a thrown error or rejection, or the timeout. The
 * callback runs outside the store's own calls, so that no store swallows its errors.
 *
 * @param verb the operation, for the message
 * @param milliseconds the time limit
 */
export function askStore(
  verb: string,
  milliseconds: number,
  ask: (answer: Answer) => unknown,
  then: Answer,
): void {
  let isAsking = true;
  let answered: Parameters<Answer> | undefined;
  const answer: Answer = (...given) => {
    if (answered !== undefined) return;
    answered = given;
    clearTimeout(timer);
    if (!isAsking) hand(then, given);
  };
  const timer = setTimeout(() => {
    const seconds = milliseconds / 1000;
    answer(
      new StoreError("timeout", `The session store did not answer "${verb}" within ${seconds} seconds.`),
    );
  }, milliseconds);
  timer.unref();
  try {
    const asked = ask(answer);
    if (isThenable(asked)) asked.then(undefined, (error: unknown) => answer(error ?? nameless(verb)));
  } catch (error) {
    answer(error ?? nameless(verb));
  }
  isAsking = false;
  if (answered !== undefined) then(...(answered as Parameters<Answer>));
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

function nameless(verb: string): StoreError {
  return new StoreError("unavailable", `The session store failed at "${verb}" without saying why.`);
}

/**
 * Converts a callback-style operation to a step of a held response.
 *
 * @returns `undefined` if it completes synchronously
 * @throws the error if it fails synchronously
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

/** Calls a callback with the result; an error thrown by the callback is not an error of the operation. */
export function attempt(act: () => void, then: SessionCallback = () => {}): void {
  try {
    act();
  } catch (error) {
    then(error);
    return;
  }
  then();
}
