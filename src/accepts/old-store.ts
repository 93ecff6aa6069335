import { inTime } from "../stores/in-time.ts";

/**
 * The old library's store, where the cookie held only an id. Stores of express-session and @fastify/session, which answer
 * through a callback, can be passed as they are.
 */
export interface OldStore {
  /** The record as the old library keeps it, parsed, or a promise of it; anything but an object means there is none. */
  get(id: string, callback: OldStoreCallback): unknown;
  /** Removes the record once its content is saved in the new session. Without it, the record ends by itself. */
  destroy?(id: string, callback: OldStoreCallback): unknown;
}

/** How stores answer that give no promise. */
export type OldStoreCallback = (error?: unknown, record?: unknown) => void;

/** An {@link OldStore} as readers hand it on: always with promises, which reject with a `StoreError`. */
export interface OldRecords {
  get(id: string): Promise<unknown>;
  destroy?(id: string): Promise<unknown>;
}

type Verb = "get" | "destroy";

/**
 * The store of the old application, whichever way it answers.
 *
 * @param seconds how long it is waited for
 */
export function oldRecords(store: OldStore, seconds: number): OldRecords {
  const ask = (verb: Verb) => (id: string) => askInTime(store, verb, id, seconds);
  return { get: ask("get"), ...(store.destroy && { destroy: ask("destroy") }) };
}

async function askInTime(store: OldStore, verb: Verb, id: string, seconds: number): Promise<unknown> {
  try {
    return await inTime("The old store", verb, seconds, () => asked(store, verb, id));
  } catch (error) {
    // How stores that keep files say that there is none, which express-session takes for no record.
    const { cause } = error as { cause?: { code?: unknown } };
    if (cause?.code === "ENOENT") return undefined;
    throw error;
  }
}

function asked(store: OldStore, verb: Verb, id: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    ask(store, verb, id, resolve, reject);
  });
}

function ask(
  store: OldStore,
  verb: Verb,
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
