import { StoreError } from "../errors.ts";

/** Told when a store has answered: with an error, or with none. */
export type SessionCallback = (error?: any) => void;

/** What the middleware calls of a store. Every store made for express-session has it. */
export interface SessionStore {
  get(id: string, callback: (error?: any, session?: any) => void): unknown;
  set(id: string, session: any, callback?: SessionCallback): unknown;
  destroy(id: string, callback?: SessionCallback): unknown;
  touch?(id: string, session: any, callback?: SessionCallback): unknown;
  createSession(req: any, session: any): unknown;
  regenerate?(req: any, callback: SessionCallback): unknown;
  on(event: "connect" | "disconnect", listener: () => void): unknown;
}

/** Takes the answer of a store: an error, or a value. */
export type Answer = (error?: unknown, value?: unknown) => void;

/**
 * Asks a store and hands its answer on exactly once: the first one it gives, what it throws or rejects with, or that
 * time ran out. The answer is handed on outside of the store's own calls, so that no store swallows what fails there.
 *
 * @param verb what is asked, for the message
 * @param milliseconds how long the store may take
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

/** Whatever fails in a callback is thrown as from a callback, whether the store calls it from a promise or not. */
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
