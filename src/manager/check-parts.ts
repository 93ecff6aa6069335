import { ConfigError, NoSecretKeyError } from "../errors.ts";
import { has, refusal } from "../stores/parts/clients.ts";
import type { SessionOptions } from "./options.ts";

/**
 * Checks that the options are an object and that the objects in them have the right type, before any is used.
 *
 * @throws ConfigError with the type that was found and what to write instead, never the value, which may be a secret
 */
export function checkParts(options: unknown): asserts options is SessionOptions {
  // The arguments of middleware: a request or its context, and Fastify's instance.
  if (["headers", "req", "request", "event", "decorateRequest", "h3App"].some((name) => has(options, name)))
    throw new ConfigError(
      "`sessions` itself was passed where its result belongs; write sessions({ secretKey: process.env.SECRET_KEY }).",
    );
  if (typeof options !== "object" || options === null || Array.isArray(options) || has(options, "then"))
    throw refusal("sessions(…)", "options, as in sessions({ secretKey: process.env.SECRET_KEY })", options);
  const { sessionInterface, codec, json, accepts } = options as Record<string, unknown>;
  if (isGiven(sessionInterface) && !has(sessionInterface, "openSession", "saveSession"))
    throw refusal('"sessionInterface"', "an object with openSession and saveSession", sessionInterface);
  if (isGiven(codec) && typeof codec !== "string" && !has(codec, "encode", "decode"))
    throw refusal('"codec"', '"flask", "sealed" or an object with encode and decode', codec);
  if (isGiven(json) && !has(json, "dumps", "loads")) throw refusal('"json"', "a TaggedJSONSerializer", json);
  if (isGiven(accepts)) {
    const takes = "a list of readers of hipflask/accepts, as in [ironSession({ password })]";
    if (!Array.isArray(accepts)) throw refusal('"accepts"', takes, accepts);
    for (const each of accepts) if (!has(each, "decode")) throw refusal('"accepts"', takes, each);
  }
}

/** @throws NoSecretKeyError without a key, unless it is null or nothing needs one */
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

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
