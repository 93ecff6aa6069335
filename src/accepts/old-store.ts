import { called } from "../stores/express-session/calls.ts";
import { withTimeout } from "../stores/parts/attempts.ts";

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
    const call = (done: OldStoreCallback) => store[verb]?.(id, done);
    // Some have a callback and a promise besides, which is then worth nothing and settles after it.
    const isAnswer = (returned: unknown) => isPromise(returned) || store[verb]?.length !== 2;
    return await withTimeout("The old store", verb, seconds, () => called(call, isAnswer));
  } catch (error) {
    // How stores that keep files say that there is none, which express-session takes for no record.
    const { cause } = error as { cause?: { code?: unknown } };
    if (cause?.code === "ENOENT") return undefined;
    throw error;
  }
}

function isPromise(returned: unknown): boolean {
  return typeof (returned as { then?: unknown } | null | undefined)?.then === "function";
}
