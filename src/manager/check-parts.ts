import { ConfigError, NoSecretKeyError } from "../errors.ts";
import type { SessionOptions } from "./options.ts";

/**
 * Checks that options are options, and that what is passed in them is of its kind, before anything is called.
 *
 * @throws ConfigError that says what was found and what to write instead, never a value: it may be a secret
 */
export function checkParts(options: unknown): asserts options is SessionOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options) || isThenable(options)) {
    const found = `sessions(…) needs its options, and got ${kindOf(options)}.`;
    throw new ConfigError(`${found} Write sessions({ secretKey: process.env.SECRET_KEY }).`);
  }
  const { store, sessionInterface, codec, json, accepts } = options as Record<string, unknown>;
  if (isGiven(store) && !has(store, ["read", "insert", "replace", "remove"])) throw noStore(store);
  if (isGiven(sessionInterface) && !has(sessionInterface, ["openSession", "saveSession"])) {
    throw new ConfigError(
      `"sessionInterface" must be an object with openSession and saveSession, and it is ${kindOf(sessionInterface)}.`,
    );
  }
  if (isGiven(codec) && typeof codec !== "string" && !has(codec, ["encode", "decode"])) {
    throw new ConfigError(
      `"codec" must be "flask", "sealed" or an object with encode and decode, and it is ${kindOf(codec)}.`,
    );
  }
  if (isGiven(json) && !has(json, ["dumps", "loads"])) {
    throw new ConfigError(`"json" must be a TaggedJSONSerializer, and it is ${kindOf(json)}.`);
  }
  if (isGiven(accepts) && !(Array.isArray(accepts) && accepts.every((each) => has(each, ["decode"])))) {
    const found = Array.isArray(accepts) ? "something else is in it" : `it is ${kindOf(accepts)}`;
    throw new ConfigError(
      `"accepts" must be a list of readers of hipflask/accepts, and ${found}. Write accepts: [ironSession({ password })].`,
    );
  }
}

/** @throws NoSecretKeyError where nothing else than a key could sign the cookie; null says that there is to be none */
export function checkKey({ secretKey, codec, store, sessionInterface }: SessionOptions): void {
  if (store || sessionInterface || typeof codec === "object" || secretKey === null) return;
  if (secretKey === undefined || secretKey.length === 0) {
    const found = secretKey === undefined ? "undefined" : "empty";
    throw new NoSecretKeyError(
      `"secretKey" is ${found}, so no session could be signed. If it is process.env.SECRET_KEY, that variable is not set: ` +
        "`npx hipflask keygen` makes a key, and `node --env-file=.env` reads a .env file. " +
        "secretKey: null is for sessions that are only read, as in Flask.",
    );
  }
}

function noStore(store: unknown): ConfigError {
  const found = `"store" must be a store, and it is ${kindOf(store)}.`;
  if (isThenable(store)) {
    return new ConfigError(`${found} Wait for it: store: await storeFromUrl(…).`);
  }
  if (typeof store === "string") {
    return new ConfigError(
      `${found} Write store: await storeFromUrl(process.env.SESSION_STORE), of hipflask/stores/from-url.`,
    );
  }
  if (typeof store === "function") {
    return new ConfigError(`${found} Call it: store: memoryStore(), store: redisStore(client).`);
  }
  if (has(store, ["get", "set"])) {
    return new ConfigError(
      `${found} A client goes into its store: store: redisStore(client). A store of express-session goes into expressStore.`,
    );
  }
  return new ConfigError(
    `${found} Write store: memoryStore(), redisStore(client), or another of hipflask/stores/….`,
  );
}

/** What a value is, for messages; never the value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === "") return value === "" ? "empty" : String(value);
  if (isThenable(value)) return "a Promise";
  if (Array.isArray(value)) return "a list";
  if (typeof value !== "object") return `a ${typeof value}`;
  const { name } = (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)
    ?.constructor ?? { name: "" };
  return name === "Object" || !name ? "an object" : `an object of ${name}`;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function has(value: unknown, methods: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}
