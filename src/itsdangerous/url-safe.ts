import { shareClass } from "../copies.ts";
import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { compactJSON } from "./json.ts";
import type { PayloadSerializer } from "./json.ts";
import { DEFAULT_MAX_INFLATED_SIZE, packPayload, unpackPayload } from "./encoding.ts";
import type { SecretKey } from "./secret-key.ts";
import { assertSerializer, Serializer, SERIALIZER_OPTIONS } from "./serializer.ts";
import type { SerializerOptions } from "./serializer.ts";
import { TimedSerializer } from "./serializer.ts";
import type { TimedSerializerOptions } from "./serializer.ts";

/** Options of URL-safe serializers. */
export interface URLSafeOptions {
  /** Maximum size of an inflated payload in bytes; a larger one is a `BadPayload`. Default 1 MiB; Python has no limit. */
  maxInflatedSize?: number;
}

/**
 * A `Serializer` whose signed values consist of letters, digits, `-`, `_` and `.`, compressed if that is shorter. Like
 * `itsdangerous.URLSafeSerializer`.
 *
 * @example
 * ```ts
 * import { URLSafeSerializer } from "hipflask/itsdangerous";
 *
 * const serializer = new URLSafeSerializer("a long random string", { salt: "unsubscribe" });
 * const link = `https://example.org/unsubscribe/${serializer.dumps({ list: 7 })}`;
 * console.log(serializer.loads(link.split("/").at(-1)!)); // { list: 7 }
 * ```
 */
export class URLSafeSerializer extends Serializer {
  /** @throws ConfigError for an unusable secret or option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: SerializerOptions & URLSafeOptions = {}) {
    super(secretKey, urlSafe(new.target.name, options));
  }
}

shareClass("URLSafeSerializer", URLSafeSerializer);

/**
 * A `TimedSerializer` whose signed values consist of letters, digits, `-`, `_` and `.`, for links that expire, such as
 * password resets. Like `itsdangerous.URLSafeTimedSerializer`.
 *
 * @example
 * ```ts
 * import { URLSafeTimedSerializer } from "hipflask/itsdangerous";
 *
 * const resets = new URLSafeTimedSerializer("a long random string", { salt: "password-reset" });
 * const token = resets.dumps({ userId: 5 });
 * console.log(resets.loads(token, { maxAge: 3600 })); // { userId: 5 }
 * ```
 */
export class URLSafeTimedSerializer extends TimedSerializer {
  /** @throws ConfigError for an unusable secret or option */
  constructor(
    secretKey: SecretKey | readonly SecretKey[],
    options: TimedSerializerOptions & URLSafeOptions = {},
  ) {
    super(secretKey, urlSafe(new.target.name, options));
  }
}

shareClass("URLSafeTimedSerializer", URLSafeTimedSerializer);

/** The options of the base class, with a serializer whose output is encoded for URLs. */
function urlSafe<Options extends SerializerOptions>(
  name: string,
  options: Options & URLSafeOptions,
): Options {
  checkNames(name, options, [...SERIALIZER_OPTIONS, "maxInflatedSize"]);
  const { serializer = compactJSON, maxInflatedSize = DEFAULT_MAX_INFLATED_SIZE, ...own } = options;
  assertSerializer(serializer);
  if (!Number.isSafeInteger(maxInflatedSize) || maxInflatedSize < 1) {
    throw new ConfigError('"maxInflatedSize" must be a whole number of bytes, 1 or more.');
  }
  const packed: PayloadSerializer = {
    dumps: (value) => packPayload(serializer.dumps(value), 0),
    loads: (payload) => serializer.loads(unpackPayload(payload, maxInflatedSize)),
  };
  return { ...(own as Options), serializer: packed };
}
