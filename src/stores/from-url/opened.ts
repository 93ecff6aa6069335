import type { Store } from "../parts/store.ts";
import { storeError } from "../parts/attempts.ts";

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
    await begin();
  } catch (error) {
    await close();
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
