import { existsSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { fileOf, hostOf } from "../stores/parts/address.ts";
import { storeFromUrl } from "../stores/from-url.ts";
import { withTimeout } from "../stores/parts/store-calls.ts";
import type { Store } from "../stores/parts/store.ts";

/** Time limit of a store's operation, in seconds. */
export const PATIENCE = 10;
/** Time limit for opening a store, in seconds. */
const OPENING = 5;

/**
 * The store of a URL.
 *
 * @param mustExist refuses a file that opening would create
 * @throws ConfigError, StoreError: with the address of the store, and without its password
 */
export async function openStore(
  url: string,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<Store> {
  if (mustExist) checkExists(url);
  const [scheme = ""] = url.split(":", 1);
  return withTimeout(`${scheme} at ${hostOf(url)}`, "connect", OPENING, () => storeFromUrl(url));
}

/** Reads a missing record to test a store. @throws StoreError if it fails */
export async function answers(store: Store): Promise<void> {
  await withTimeout(store.name, "read", OPENING, () => store.read("hipflask"));
}

function checkExists(url: string): void {
  if (url.startsWith("memory:") || url === "sqlite::memory:")
    throw new ConfigError(
      `The sessions of ${url} are in the memory of your app, and can only be listed there.`,
    );
  const file = /^sqlite:/i.test(url) ? fileOf(url) : undefined;
  if (file !== undefined && !existsSync(file))
    throw new ConfigError(`There is no file ${file}. Pass the database of your app's sessions.`);
}
