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
