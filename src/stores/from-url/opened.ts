import type { Store } from "../parts/store.ts";
import { withTimeout, storeError } from "../parts/attempts.ts";

/** Seconds for the first answer: a server that accepts a connection and says nothing would keep an app from starting, and not say why. */
const PATIENCE = 10;

/**
 * A store whose client was opened for it, once the engine has answered.
 *
 * @param begin what the engine is asked first: to connect, to create its table, or for a record
 * @param close ends the client, also where the engine does not answer
 * @throws StoreError if it does not
 */
export async function opened(
  store: Store,
  begin: () => Promise<unknown>,
  close: () => Promise<unknown> | unknown,
): Promise<Store> {
  try {
    await withTimeout(store.name, "connect", PATIENCE, begin);
  } catch (error) {
    // A client that waits for its server may wait for it here as well.
    await withTimeout(store.name, "close", 1, async () => close()).catch(ignore);
    throw storeError(store.name, "connect", error);
  }
  return Object.assign(store, {
    async close() {
      await close();
    },
  });
}

/** A key that no record has: who asks for it learns whether the engine answers. */
export const NO_KEY = "hipflask";

/** For clients that end the process when a lost connection has no listener; meanwhile every step rejects. */
export function ignore(): void {}
