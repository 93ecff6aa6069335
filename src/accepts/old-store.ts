import { isPromise, promised } from "../stores/parts/callback-stores.ts";
import { withTimeout } from "../stores/parts/store-calls.ts";

/**
 * The old library's store, if cookies contain only an id. Stores of express-session and @fastify/session, which use
 * callbacks, can be passed.
 */
export interface OldStore {
  /** The parsed record of the old library, or a promise of it; other values than objects mean that there is none. */
  get(id: string, callback: OldStoreCallback): unknown;
  /** Removes the record after its content is saved in the new session. Without it, the record stays until it expires. */
  destroy?(id: string, callback: OldStoreCallback): unknown;
}

/** The callback of stores without promises. */
export type OldStoreCallback = (error?: unknown, record?: unknown) => void;

/** An {@link OldStore} with promises, which reject with a `StoreError`. */
export interface OldRecords {
  get(id: string): Promise<unknown>;
  destroy?(id: string): Promise<unknown>;
}

type Verb = "get" | "destroy";

/**
 * Wraps a store of the old application, with callbacks or promises.
 *
 * @param seconds time limit of a call
 */
export function oldRecords(store: OldStore, seconds: number): OldRecords {
  const ask = (verb: Verb) => (id: string) => askInTime(store, verb, id, seconds);
  return { get: ask("get"), ...(store.destroy && { destroy: ask("destroy") }) };
}

async function askInTime(store: OldStore, verb: Verb, id: string, seconds: number): Promise<unknown> {
  try {
    const call = (done: OldStoreCallback) => store[verb]?.(id, done);
    // Some call the callback and also return a promise, which has no value and settles later.
    const isResult = (returned: unknown) => isPromise(returned) || !takesCallback(store, verb);
    return await withTimeout("The old store", verb, seconds, () => promised(verb, call, isResult));
  } catch (error) {
    // Stores in files report a missing record by this error, which express-session accepts.
    const { cause } = error as { cause?: { code?: unknown } };
    if (cause?.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Whether a method has two parameters, or belongs to a store of express-session or @fastify/session, which are event emitters:
 * a callback with a default, as in `get(id, callback = noop)`, does not count as a parameter.
 */
function takesCallback(store: OldStore & { readonly on?: unknown }, verb: Verb): boolean {
  const isLibrarys = typeof store.on === "function" && store.destroy !== undefined;
  return isLibrarys || store[verb]?.length === 2;
}
