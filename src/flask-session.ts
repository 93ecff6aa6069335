import { flaskSessionRecords, type FlaskSessionFormat } from "./codecs/flask-session-record.ts";
import { ConfigError } from "./errors.ts";
import { FlaskSessionInterface } from "./interfaces/flask-session.ts";
import type { SessionInterface } from "./interfaces/session-interface.ts";
import type { SecretKey } from "./itsdangerous/secret-key.ts";
import { Signer } from "./itsdangerous/signer.ts";
import { TaggedJSONSerializer } from "./json/tagged-json.ts";
import type { SessionOptions } from "./manager/options.ts";
import { checkOptions, type OptionKinds } from "./check-options.ts";
import { resolveOptions } from "./manager/resolve-options.ts";
import type { StoreOptions } from "./manager/store-options.ts";
import type { IoRedisBytes, NodeRedisBytes } from "./stores/flask-session/bytes.ts";
import { RedisRecords } from "./stores/flask-session/records.ts";

export type { FlaskSessionFormat } from "./codecs/flask-session-record.ts";
export type { IoRedisBytes, NodeRedisBytes } from "./stores/flask-session/bytes.ts";

/** The options that mean the same with Flask-Session as with hipflask. */
type SharedOptions = Pick<
  SessionOptions,
  | "cookieName"
  | "cookieDomain"
  | "cookiePath"
  | "cookieHttpOnly"
  | "cookieSecure"
  | "cookieSameSite"
  | "cookiePartitioned"
  | "lifetime"
  | "refreshEachRequest"
  | "cacheControl"
  | "trackNested"
  | "onRefused"
  | "now"
> &
  Pick<StoreOptions, "lostWrites" | "storeTimeout">;

/** The session settings of a Flask app with Flask-Session and Redis; defaults are Flask-Session's. */
export interface FlaskSessionRedisOptions extends SharedOptions {
  /** `SESSION_KEY_PREFIX`. Default `"session:"`. */
  readonly prefix?: string | undefined;
  /** `SESSION_SERIALIZATION_FORMAT`. Default `"msgpack"`. */
  readonly format?: FlaskSessionFormat | undefined;
  /** `SESSION_PERMANENT`: the cookies of new sessions last for the lifetime. Default true. */
  readonly permanent?: boolean | undefined;
  /** `SESSION_USE_SIGNER`: the id in the cookie is signed with `secretKey`. Default false. */
  readonly useSigner?: boolean | undefined;
  /** `SECRET_KEY`, only for `useSigner`. */
  readonly secretKey?: SecretKey | undefined;
  /** `SESSION_ID_LENGTH`, in bytes, at least 16. Default 32. */
  readonly idLength?: number | undefined;
}

/** `"any"`: checked with the options of `sessions`, or where it is used. */
const KINDS: OptionKinds<FlaskSessionRedisOptions> = {
  prefix: "string",
  format: ["msgpack", "json"],
  permanent: "boolean",
  useSigner: "boolean",
  secretKey: "any",
  idLength: "any",
  lostWrites: ["drop", "throw"],
  storeTimeout: "seconds",
  cookieName: "any",
  cookieDomain: "any",
  cookiePath: "any",
  cookieHttpOnly: "any",
  cookieSecure: "any",
  cookieSameSite: "any",
  cookiePartitioned: "any",
  lifetime: "any",
  refreshEachRequest: "any",
  cacheControl: "any",
  trackNested: "any",
  onRefused: "any",
  now: "any",
};

/**
 * Shares the sessions of a Flask app with Flask-Session 0.7 or later in Redis: the same cookie, the same record, the same
 * behaviour.
 *
 * Unlike in Flask-Session, parallel requests lose no writes: a save applies the changes to the current record. A deleted
 * record stays deleted. Pickled records, which older versions wrote, are refused.
 *
 * @param client of `@redis/client` (`redis`) or `ioredis`
 * @throws ConfigError for invalid options
 * @example
 * ```ts no-run
 * import { createClient } from "@redis/client";
 * import { flaskSessionRedis } from "hipflask/flask-session";
 * import { sessions } from "hipflask/hono";
 *
 * const client = createClient();
 * await client.connect();
 * export const middleware = sessions({ sessionInterface: flaskSessionRedis(client) });
 * ```
 */
export function flaskSessionRedis(
  client: NodeRedisBytes | IoRedisBytes,
  options: FlaskSessionRedisOptions = {},
): SessionInterface {
  checkOptions("flaskSessionRedis", options, KINDS);
  const { prefix = "session:", format = "msgpack", permanent = true, idLength = 32, ...rest } = options;
  const { useSigner = false, secretKey, lostWrites, storeTimeout, ...cookie } = rest;
  if (!Number.isInteger(idLength) || idLength < 16) {
    throw new ConfigError('"idLength" must be a whole number of bytes, at least 16.');
  }
  return new FlaskSessionInterface({
    ...resolveOptions(cookie),
    // msgspec preserves the order of keys.
    json: new TaggedJSONSerializer({ sortKeys: false }),
    store: new RedisRecords(client, prefix),
    format: flaskSessionRecords(format),
    permanent,
    idLength,
    signer: useSigner ? signerOf(secretKey) : null,
    lostWrites: lostWrites ?? "drop",
    storeTimeout: storeTimeout ?? 2,
  });
}

function signerOf(secretKey: SecretKey | undefined): Signer {
  if (secretKey === undefined) throw new ConfigError('"useSigner" needs the "secretKey" of the Flask app.');
  return new Signer(secretKey, { salt: "flask-session", keyDerivation: "hmac" });
}
