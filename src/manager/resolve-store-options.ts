import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { ConfigError } from "../errors.ts";
import { events } from "../interfaces/events.ts";
import type { CookieConfig } from "../interfaces/cookie-interface.ts";
import type { StoreConfig } from "../interfaces/store/open.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { SessionOptions } from "./options.ts";
import { checkNumber, checkOptions, oneOf, POSITIVE } from "../check-options.ts";
import { resolveOptions } from "./resolve-options.ts";
import { refusal } from "../stores/parts/clients.ts";
import { DEFAULT_LIMITS, type RecordLimits } from "../stores/parts/record.ts";
import { DEFAULT_OWNER_LIMIT, SessionRecords } from "../stores/parts/session-records.ts";
import type { Store } from "../stores/parts/store.ts";

const HOUR = 60 * 60;
const DAY = 24 * HOUR;
const SECONDS = " of seconds";
const NOT_ATOMIC =
  "hipflask: this session store is not atomic: parallel requests may lose writes, and a slow one may undo a logout.";

/**
 * Checks options and adds defaults for sessions in a store. `sessions({ store })` does this; call it to construct a
 * `StoreSessionInterface` of your own.
 *
 * @throws ConfigError without a `store`, and for contradictory values
 * @example
 * ```ts
 * import { resolveStoreOptions, StoreSessionInterface } from "hipflask";
 * import { sessions } from "hipflask/hono";
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * class StagingSessions extends StoreSessionInterface {
 *   override getCookieName(): string {
 *     return process.env.STAGE === "staging" ? "staging_session" : super.getCookieName();
 *   }
 * }
 *
 * const options = { secretKey: "dev", store: memoryStore() };
 * const sessionInterface = new StagingSessions(resolveStoreOptions(options));
 * export const middleware = sessions({ ...options, sessionInterface });
 * ```
 */
export function resolveStoreOptions(options: SessionOptions): StoreConfig {
  if (options.store === undefined) throw new ConfigError('Sessions on a server need a "store".');
  return storeConfigOf(options, options.store, resolveOptions(options));
}

/** The same with resolved options of the cookie. */
export function storeConfigOf(options: SessionOptions, store: Store, cookie: CookieConfig): StoreConfig {
  checkStore(store);
  const { hardened = false, storeOptions: given = {} } = options;
  const idleTimeout = checkNumber(
    "idleTimeout",
    given.idleTimeout ?? (hardened ? HOUR : cookie.lifetime),
    POSITIVE,
    SECONDS,
  );
  const absoluteTimeout =
    given.absoluteTimeout === undefined ? (hardened ? 24 * HOUR : null) : given.absoluteTimeout;
  const rotationKey = rotationKeyOf(options);
  const isLoose = !store.atomic && (given.allowNonAtomicStore ?? false);
  const anonymousTimeout = checkNumber(
    "anonymousTimeout",
    given.anonymousTimeout ?? Math.min(idleTimeout, DAY),
    POSITIVE,
    SECONDS,
  );
  const json = options.json ?? new TaggedJSONSerializer();
  // oxlint-disable-next-line no-console -- logged once, at start-up
  if (isLoose) console.warn(NOT_ATOMIC);
  if ((given.rotateAfter ?? 0) > 0 && rotationKey === null) {
    throw new ConfigError('"rotateAfter" needs a "secretKey", from which the next token is derived.');
  }
  return {
    ...cookie,
    records: new SessionRecords(store, {
      json,
      longest: Math.max(idleTimeout, anonymousTimeout),
      seconds:
        given.storeTimeout === undefined
          ? undefined
          : checkNumber("storeTimeout", given.storeTimeout, POSITIVE, SECONDS),
      limits: limitsOf(given.recordLimits ?? {}),
      ownerLimit: {
        max: checkNumber("maxPerOwner", given.maxPerOwner ?? DEFAULT_OWNER_LIMIT.max, POSITIVE),
        overflow: oneOf("ownerOverflow", given.ownerOverflow ?? DEFAULT_OWNER_LIMIT.overflow, [
          "refuse",
          "end-oldest",
        ]),
      },
      onFailure: (verb, { reason }) => events.storeFailed.publish({ verb, reason }),
    }),
    json,
    trackNested: options.trackNested ?? true,
    lazy: given.lazy ?? false,
    idleTimeout,
    anonymousTimeout: Math.min(idleTimeout, anonymousTimeout),
    absoluteTimeout:
      absoluteTimeout === null ? null : checkNumber("absoluteTimeout", absoluteTimeout, POSITIVE, SECONDS),
    touchEvery: Math.max(0, given.touchEvery ?? Math.min(idleTimeout / 10, 300)),
    rotateAfter: Math.max(0, given.rotateAfter ?? 0),
    rotationGrace: Math.max(0, given.rotationGrace ?? 30),
    rotationKey,
    sweepEvery: Math.max(0, given.sweepEvery ?? 60),
    reusedTokens: oneOf("reusedTokens", given.reusedTokens ?? "refuse", ["refuse", "destroy"]),
    device: given.device,
    keepAtLogin: keysOrAll(given.keepAtLogin ?? (hardened ? [] : true)),
    lostWrites: oneOf("lostWrites", given.lostWrites ?? "drop", ["drop", "throw"]),
    saveOnError: given.saveOnError ?? false,
    ownable: store.atomic || isLoose,
  };
}

/** @throws ConfigError unless it is a store; the message says how to create one */
function checkStore(store: Store): void {
  const steps = ["read", "insert", "replace", "remove"] as const;
  if (steps.every((step) => typeof (store as Store | null)?.[step] === "function")) return;
  throw refusal('"store"', "a store of hipflask, as memoryStore() or redisStore(client)", store);
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

function limitsOf(given: Partial<RecordLimits>): RecordLimits {
  checkOptions("recordLimits", given, { fields: "count", bytes: "count" });
  return { fields: given.fields ?? DEFAULT_LIMITS.fields, bytes: given.bytes ?? DEFAULT_LIMITS.bytes };
}
