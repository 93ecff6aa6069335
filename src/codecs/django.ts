import { checkNames } from "../check-options.ts";
import { BadShape, UnserializableError } from "../errors.ts";
import { DEFAULT_MAX_INFLATED_SIZE } from "../itsdangerous/encoding.ts";
import { importSecretKeys, type SecretKey } from "../itsdangerous/secret-key.ts";
import { Signer, splitLast } from "../itsdangerous/signer.ts";
import type { Fields } from "../json/fields.ts";
import type { Codec, Decoded } from "./codec.ts";
import { decodeBase62, encodeBase62, packDjangoData, unpackDjangoData } from "./django-data.ts";

/** How a Django project signs its sessions. */
export interface DjangoCodecOptions {
  /** Django's `SECRET_KEY`: signs and verifies. A string is encoded as UTF-8. */
  secretKey: SecretKey;
  /** Django's `SECRET_KEY_FALLBACKS`: older keys that only verify. Default none. */
  secretKeyFallbacks?: readonly SecretKey[];
  /** Default: the engine's. Projects use another one only with a session store class of their own. */
  salt?: string;
  /** Maximum size of an inflated payload in bytes. Default 1 MiB; Django has no limit. */
  maxInflatedSize?: number;
}

/** The value of the column `session_data`, which Django's database, cached_db and file engines write. */
export interface DjangoSessionData {
  /** Never throws. Does not check an age: the row's `expire_date` decides. */
  decode(text: string): Decoded;
  /**
   * @param now epoch milliseconds, which is written but never checked
   * @throws UnserializableError for values that Django cannot write as JSON: bytes, dates, UUIDs
   */
  encode(fields: Fields, now: number): string;
}

const OPTIONS = ["secretKey", "secretKeyFallbacks", "salt", "maxInflatedSize"];
const COOKIE_SALT = "django.contrib.sessions.backends.signed_cookies";
const STORE_SALT = "django.contrib.sessions.SessionStore";
/** Four times what browsers send. */
const MAX_COOKIE_LENGTH = 16_384;
/** Longest stored value that is decoded, in characters. */
const MAX_DATA_LENGTH = 4 * 1024 * 1024;
const TOO_LONG = "The session is larger than the 4 MiB that are read again. Keep less in it.";

/**
 * Django's session cookie under the engine `signed_cookies`: JSON, perhaps compressed, with time and HMAC-SHA-256.
 * Signed, **not** encrypted: visitors can read it.
 *
 * As in Django, a time in the future is accepted, and ages have fractions of a second. Django's JSON is plain: tuples come
 * back as lists, and bytes, dates and UUIDs cannot be written.
 *
 * Source: `django.contrib.sessions.backends.signed_cookies` and `django.core.signing` of Django 5.1.
 *
 * @throws ConfigError for an empty secret or an unusable option
 *
 * @example
 * ```ts
 * import { djangoCodec } from "hipflask/codecs/django";
 *
 * const codec = djangoCodec({ secretKey: "django-insecure-a long random string" });
 * const context = { now: Date.now(), maxAge: 14 * 24 * 3600, cookieName: "sessionid" };
 * const text = codec.encode(new Map([["_auth_user_id", '"42"']]), context);
 * const decoded = codec.decode(text, context);
 * console.log(decoded.ok && decoded.fields.get("_auth_user_id")); // "42"
 * ```
 */
export function djangoCodec(options: DjangoCodecOptions): Codec {
  checkNames("djangoCodec", options, OPTIONS);
  const { maxInflatedSize = DEFAULT_MAX_INFLATED_SIZE } = options;
  const signer = djangoSigner(options, COOKIE_SALT);
  return {
    name: "django",
    grammar: "python",

    decode(text, { now, maxAge }) {
      if (text.length > MAX_COOKIE_LENGTH) return { ok: false, reason: "too_long" };
      const isTooOld = (signedAt: number) => now / 1000 - signedAt > maxAge;
      return decodeSigned(signer, text, maxInflatedSize, isTooOld);
    },

    encode: (fields, { now }) => encodeSigned(signer, fields, now, maxInflatedSize),

    mayHold(text, key) {
      if (text.startsWith(".")) return true;
      const content = Buffer.from(text.slice(0, text.indexOf(":")), "base64url").toString("latin1");
      return content.includes(JSON.stringify(key)) || content.includes("\\");
    },
  };
}

/**
 * Django's `session_data`, for sharing the table `django_session` (or its session files) with a Django project.
 *
 * Source: `django.contrib.sessions.backends.base` of Django 5.1. The format before Django 3.1 is refused, as in Django.
 *
 * @throws ConfigError for an empty secret or an unusable option
 *
 * @example
 * ```ts
 * import { djangoSessionData } from "hipflask/codecs/django";
 *
 * const data = djangoSessionData({ secretKey: "django-insecure-a long random string" });
 * const text = data.encode(new Map([["cart", "[1,2]"]]), Date.now());
 * const decoded = data.decode(text);
 * console.log(decoded.ok && decoded.fields.get("cart")); // [1,2]
 * ```
 */
export function djangoSessionData(options: DjangoCodecOptions): DjangoSessionData {
  checkNames("djangoSessionData", options, OPTIONS);
  const { maxInflatedSize = DEFAULT_MAX_INFLATED_SIZE } = options;
  const signer = djangoSigner(options, STORE_SALT);
  return {
    decode(text) {
      if (text.length > MAX_DATA_LENGTH) return { ok: false, reason: "too_long" };
      return decodeSigned(signer, text, maxInflatedSize, () => false);
    },
    encode(fields, now) {
      const text = encodeSigned(signer, fields, now, maxInflatedSize);
      if (text.length > MAX_DATA_LENGTH) throw new UnserializableError(TOO_LONG);
      return text;
    },
  };
}

function djangoSigner(
  { secretKey, secretKeyFallbacks = [], salt }: DjangoCodecOptions,
  engineSalt: string,
): Signer {
  importSecretKeys("secretKeyFallbacks", secretKeyFallbacks);
  return new Signer([...secretKeyFallbacks.toReversed(), secretKey], {
    salt: salt ?? engineSalt,
    sep: ":",
    digest: "sha256",
    keyDerivation: "django-concat",
  });
}

function encodeSigned(signer: Signer, fields: Fields, now: number, maxInflatedSize: number): string {
  return signer.sign(`${packDjangoData(fields, maxInflatedSize)}:${encodeBase62(Math.floor(now / 1000))}`);
}

function decodeSigned(
  signer: Signer,
  text: string,
  maxInflatedSize: number,
  isTooOld: (signedAt: number) => boolean,
): Decoded {
  const [timed, signature] = splitLast(text, ":") ?? [""];
  if (signature === undefined || !signer.verifySignature(timed, signature)) {
    return { ok: false, reason: "bad_signature" };
  }
  const [payload, time] = splitLast(timed, ":") ?? [timed];
  const signedAt = time === undefined ? undefined : decodeBase62(time);
  if (signedAt === undefined) return { ok: false, reason: "bad_payload" };
  if (isTooOld(signedAt)) return { ok: false, reason: "expired" };
  try {
    const fields = unpackDjangoData(payload, maxInflatedSize);
    return fields === undefined ? { ok: false, reason: "pickle" } : { ok: true, fields, signedAt };
  } catch (error) {
    return { ok: false, reason: error instanceof BadShape ? "bad_shape" : "bad_payload" };
  }
}
