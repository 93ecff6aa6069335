import type { Store } from "../parts/store.ts";
import { storeError } from "../parts/driver-errors.ts";
import { withTimeout } from "../parts/store-calls.ts";

/**
 * Timeout of the first response in seconds. Without it, an app would hang at the start if a server accepts
 * connections and sends nothing.
 */
const CONNECT_TIMEOUT = 10;

/**
 * Resolves with a store that owns its client, once the engine has responded.
 *
 * @param begin the first request to the engine: to connect, to create its table, or to read a record
 * @param close closes the client; also called if the engine does not respond
 * @throws StoreError if it does not
 */
export async function opened(
  store: Store,
  begin: () => Promise<unknown>,
  close: () => Promise<unknown> | unknown,
): Promise<Store> {
  try {
    await withTimeout(store.name, "connect", CONNECT_TIMEOUT, begin);
  } catch (error) {
    // Closing may hang too, if the client still waits for its server.
    await withTimeout(store.name, "close", 1, async () => close()).catch(ignore);
    throw storeError(store.name, "connect", error);
  }
  return Object.assign(store, {
    async close() {
      await close();
    },
  });
}

/** A key without a record, read to check that the engine responds. */
export const NO_KEY = "hipflask";

/**
 * A listener for the clients' `error` event, which would end the process without one. Steps reject while the
 * connection is lost.
 */
export function ignore(): void {}
