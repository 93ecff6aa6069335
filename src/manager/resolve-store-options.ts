import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { ConfigError } from "../errors.ts";
import { events } from "../interfaces/events.ts";
import type { CookieConfig } from "../interfaces/cookie-interface.ts";
import type { StoreConfig } from "../interfaces/store/config.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { SessionOptions } from "./options.ts";
import { oneOf } from "./resolve-options.ts";
import type { SessionStore } from "../stores/verbs.ts";
import { withTimeLimit } from "../stores/time-limit.ts";

const HOUR = 60 * 60;
const NOT_ATOMIC =
  "hipflask: this session store is not atomic: parallel requests may lose writes, and a slow one may undo a logout.";

/**
 * The part of the options that is about a store, checked and filled in.
 *
 * @throws ConfigError for values that cannot work together
 */
export function resolveStoreOptions(
  options: SessionOptions,
  store: SessionStore,
  cookie: CookieConfig,
): StoreConfig {
  const { hardened = false, storeTimeout } = options;
  const idleTimeout = positive("idleTimeout", options.idleTimeout ?? (hardened ? HOUR : cookie.lifetime));
  const absoluteTimeout =
    options.absoluteTimeout === undefined ? (hardened ? 24 * HOUR : null) : options.absoluteTimeout;
  const rotationKey = rotationKeyOf(options);
  const isLoose = !store.traits.atomic && (options.allowNonAtomicStore ?? false);
  // oxlint-disable-next-line no-console -- said once, at start-up, to whoever runs the server
  if (isLoose) console.warn(NOT_ATOMIC);
  if ((options.rotateAfter ?? 0) > 0 && rotationKey === null) {
    throw new ConfigError('"rotateAfter" needs a "secretKey", from which the next token is derived.');
  }
  return {
    ...cookie,
    store: withTimeLimit(store, {
      ...(storeTimeout !== undefined && { seconds: positive("storeTimeout", storeTimeout) }),
      onFailure: (verb, { reason }) => events.storeFailed({ verb, reason }),
    }),
    json: options.json ?? new TaggedJSONSerializer(),
    trackNested: options.trackNested ?? true,
    lazy: options.lazy ?? false,
    idleTimeout,
    absoluteTimeout: absoluteTimeout === null ? null : positive("absoluteTimeout", absoluteTimeout),
    touchEvery: Math.max(0, options.touchEvery ?? Math.min(idleTimeout / 10, 300)),
    rotateAfter: Math.max(0, options.rotateAfter ?? 0),
    rotationGrace: Math.max(0, options.rotationGrace ?? 30),
    rotationKey,
    sweepEvery: Math.max(0, options.sweepEvery ?? 60),
    reusedTokens: oneOf("reusedTokens", options.reusedTokens ?? "refuse", ["refuse", "destroy"]),
    ownerLimit:
      options.maxPerOwner === undefined
        ? undefined
        : {
            max: positive("maxPerOwner", options.maxPerOwner),
            overflow: oneOf("ownerOverflow", options.ownerOverflow ?? "end-oldest", ["refuse", "end-oldest"]),
          },
    device: options.device,
    keepAtLogin: keysOrAll(options.keepAtLogin ?? (hardened ? [] : true)),
    lostWrites: oneOf("lostWrites", options.lostWrites ?? "drop", ["drop", "throw"]),
    saveOnError: options.saveOnError ?? false,
    ownable: store.traits.indexed && (store.traits.atomic || isLoose),
  };
}

/** Successors of tokens must not be computable from what is stored, so they depend on the secret (RFC 5869). */
function rotationKeyOf({ secretKey }: SessionOptions): KeyObject | null {
  if (secretKey === undefined || secretKey === null || secretKey.length === 0) return null;
  return createSecretKey(Buffer.from(hkdfSync("sha256", secretKey, "", "hipflask session rotation", 32)));
}

function keysOrAll(keys: readonly string[] | true): readonly string[] | true {
  if (keys === true || (Array.isArray(keys) && keys.every((key) => typeof key === "string"))) return keys;
  throw new ConfigError('"keepAtLogin" must be a list of keys, or true for all of them.');
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw new ConfigError(`"${name}" must be greater than 0; its unit is the second, unless it counts.`);
}
