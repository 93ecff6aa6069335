import { checkNames } from "../check-options.ts";
import { BadPayload, BadShape, ConfigError } from "../errors.ts";
import { DEFAULT_MAX_INFLATED_SIZE, packPayload, unpackPayload } from "../itsdangerous/encoding.ts";
import { importSecretKey, importSecretKeys } from "../itsdangerous/secret-key.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import type { Digest, KeyDerivation } from "../itsdangerous/signer.ts";
import { ageFault, TimestampSigner } from "../itsdangerous/timestamp-signer.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { Codec, CodecContext, Decoded, RefusalReason } from "./codec.ts";
import { VerifiedCache } from "./verified-cache.ts";

/** How Flask's session cookies are read and written. The defaults are Flask's. */
export interface FlaskCodecOptions {
  /** Flask's `SECRET_KEY`: signs and verifies. A string is encoded as UTF-8. */
  secretKey: SecretKey;
  /** Flask's `SECRET_KEY_FALLBACKS`: older keys that only verify, tried from last to first. Default none. */
  secretKeyFallbacks?: readonly SecretKey[];
  /** Default `"cookie-session"`. */
  salt?: string | Uint8Array;
  /** Default `"sha1"`. With any other, Flask needs the same setting. */
  digest?: Digest;
  /** Default `"hmac"`. */
  keyDerivation?: KeyDerivation;
  /** Default `"auto"`. */
  compress?: Compress;
  /** Serializes and parses fields. Default a `TaggedJSONSerializer`. */
  json?: Pick<TaggedJSONSerializer, "loadsFields" | "dumpsFields">;
  /** Longest cookie value that is decoded, in characters. Default 16384, four times what browsers send. */
  maxCookieLength?: number;
  /** Maximum size of an inflated payload in bytes. Default 1 MiB; Flask has no limit. */
  maxInflatedSize?: number;
  /** Size of the cache of verified cookies in bytes: a cached cookie needs no HMAC. Default 1 MiB; 0 or false: no cache. */
  cache?: number | false;
}

const OPTIONS =
  "secretKey secretKeyFallbacks salt digest keyDerivation compress json maxCookieLength maxInflatedSize cache".split(
    " ",
  );

/**
 * When to compress. Decoding accepts the cookies of all three.
 *
 * - `"flask"`: whenever it makes the cookie shorter, so every save tries. Cookies may still differ from Flask's in bytes,
 * since zlib builds differ in their output.
 * - `"auto"`: the same, but only from 2816 bytes of JSON on, where the cookie approaches the 4096 bytes that browsers
 * store. Trying costs several times as much as the rest of a save.
 * - `false`: never.
 */
export type Compress = "auto" | "flask" | false;

/** JSON of this many bytes (2.75 KiB) makes a cookie value of about 3800 characters, which leaves room for name and attributes. */
const AUTO_COMPRESS_FROM = 2816;

/** A cookie with a valid signature. */
interface Verified {
  /** Epoch seconds. */
  readonly signedAt: number;
  /** Its content: JSON text that has not been parsed yet, or the result of parsing. */
  content: string | Decoded;
}

/**
 * Flask's own session cookie: tagged JSON, perhaps compressed, with time and HMAC, as
 * `flask.sessions.SecureCookieSessionInterface` reads and writes it. Signed, **not** encrypted: visitors can read it.
 *
 * Refuses what Flask refuses. Stricter than Flask in two ways: base64 must be canonical, and the size of an inflated
 * payload is limited. Decoded fields may be shared between requests; do not modify them.
 *
 * @throws ConfigError for an empty secret, a string as `secretKeyFallbacks`, or an unusable option
 *
 * @example
 * ```ts
 * import { flaskCodec } from "hipflask";
 *
 * const codec = flaskCodec({ secretKey: "a long random string" });
 * const context = { now: Date.now(), maxAge: 31 * 24 * 3600, cookieName: "session" };
 * const text = codec.encode(new Map([["username", '"ada"']]), context);
 * const decoded = codec.decode(text, context);
 * console.log(decoded.ok && decoded.fields.get("username")); // "ada"
 * ```
 */
export function flaskCodec(options: FlaskCodecOptions): Codec {
  checkNames("flaskCodec", options, OPTIONS);
  const { json = new TaggedJSONSerializer(), compress = "auto" } = options;
  const maxCookieLength = limit("maxCookieLength", options.maxCookieLength ?? 16_384, 1);
  const maxInflatedSize = limit("maxInflatedSize", options.maxInflatedSize ?? DEFAULT_MAX_INFLATED_SIZE, 1);
  const cacheSize = limit("cache", options.cache === false ? 0 : (options.cache ?? 1024 * 1024), 0);
  const compressFrom = compressionThreshold(compress);
  const signer = flaskSigner(options);
  const cache = cacheSize > 0 ? new VerifiedCache<Verified>(cacheSize) : undefined;

  return {
    name: "flask",
    grammar: "werkzeug",

    decode(text, context) {
      if (text.length > maxCookieLength) return refused("too_long");
      const known = cache?.get(text);
      if (known !== undefined) return refusedByAge(known.signedAt, context) ?? read(known);

      const { value, signedAt, fault } = signer.parse(text);
      if (fault === "unsigned" || fault === "signature") return refused("bad_signature");
      if (signedAt === undefined) return refused("bad_timestamp");
      return refusedByAge(signedAt, context) ?? open(text, value, signedAt);
    },

    encode(fields, { now }) {
      const signedAt = Math.floor(now / 1000);
      const content = json.dumpsFields(fields);
      const text = signer.sign(packPayload(content, compressFrom, maxInflatedSize), signedAt);
      // The browser sends it back with its next request.
      cache?.set(text, { signedAt, content }, weight(text, content, fields.size));
      return text;
    },

    mayHold(text, key) {
      if (text.length > maxCookieLength) return false;
      const known = cache?.get(text);
      if (known !== undefined) {
        const decoded = read(known);
        return decoded.ok && decoded.fields.has(key);
      }
      if (text.startsWith(".")) return true;
      const content = Buffer.from(text.slice(0, text.indexOf(".")), "base64url").toString();
      // Without the closing quote: if a session's only key is a tag, it is escaped by making it longer.
      return content.includes(JSON.stringify(key).slice(0, -1)) || content.includes("\\");
    },
  };

  /** Decodes a payload with a valid signature, which may still contain anything. */
  function open(text: string, payload: string, signedAt: number): Decoded {
    let content: string;
    try {
      content = unpackPayload(payload, maxInflatedSize);
    } catch (error) {
      return refused("bad_payload", error);
    }
    const verified = { signedAt, content };
    const decoded = read(verified);
    if (decoded.ok) cache?.set(copyOf(text), verified, weight(text, content, decoded.fields.size));
    return decoded;
  }

  function read(verified: Verified): Decoded {
    const { signedAt, content } = verified;
    if (typeof content !== "string") return content;
    try {
      return (verified.content = { ok: true, fields: json.loadsFields(content), signedAt });
    } catch (error) {
      return refused(error instanceof BadShape ? "bad_shape" : "bad_payload", error);
    }
  }
}

/** The signer gets the keys from oldest to newest, as itsdangerous does from Flask: it tries the last one first. */
function flaskSigner(options: FlaskCodecOptions): TimestampSigner {
  const { secretKey, secretKeyFallbacks = [], salt = "cookie-session" } = options;
  const { digest = "sha1", keyDerivation = "hmac" } = options;
  // Flask treats a string as a list of one-letter keys, and accepts an empty key.
  importSecretKeys("secretKeyFallbacks", secretKeyFallbacks);
  importSecretKey("secretKey", secretKey);
  return new TimestampSigner([...secretKeyFallbacks, secretKey], { salt, digest, keyDerivation });
}

function refusedByAge(signedAt: number, { now, maxAge }: CodecContext): Decoded | undefined {
  const fault = ageFault(signedAt, Math.floor(now / 1000), maxAge);
  return fault && refused(fault);
}

function refused(reason: RefusalReason, error?: unknown): Decoded {
  return error instanceof BadPayload ? { ok: false, reason, detail: error.message } : { ok: false, reason };
}

/** A copy, since a slice would keep the whole header in memory. Verified cookies are ASCII. */
function copyOf(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** Approximate memory of a cached cookie in bytes. */
function weight(text: string, content: string, fieldCount: number): number {
  return 400 + text.length + 2 * content.length + 120 * fieldCount;
}

function compressionThreshold(compress: Compress): number {
  switch (compress) {
    case "auto":
      return AUTO_COMPRESS_FROM;
    case "flask":
      return 0;
    case false:
      return Number.POSITIVE_INFINITY;
  }
  throw new ConfigError('"compress" must be "auto", "flask" or false.');
}

function limit(option: string, value: number, smallest: number): number {
  if (Number.isSafeInteger(value) && value >= smallest) return value;
  throw new ConfigError(`"${option}" must be a whole number from ${smallest} on.`);
}
