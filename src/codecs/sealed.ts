import { Buffer } from "node:buffer";
import { hkdfSync, randomBytes } from "node:crypto";
import { checkNames } from "../check-options.ts";
import { decodeBase64url, encodeBase64url } from "../itsdangerous/encoding.ts";
import { BadShape, ConfigError } from "../errors.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { Codec, CodecContext, Decoded } from "./codec.ts";
import { rootSecret } from "./root-secret.ts";
import { KEY_BYTES, NONCE_BYTES, TAG_BYTES, xaes256gcm } from "./xaes.ts";
import type { Xaes } from "./xaes.ts";

/** Options of `sealedCodec`. */
export interface SealedCodecOptions {
  /** The secret that seals: at least 32 random bytes, or a string of that length. */
  secretKey: SecretKey;
  /**
   * Older secrets that still open cookies but seal none; the next write seals such a session with `secretKey`. Removing a
   * secret invalidates every cookie sealed with it. Default none.
   */
  secretKeyFallbacks?: readonly SecretKey[];
  /** Separates services that share the secret: a service cannot open the cookies of another audience. Default `""`. */
  audience?: string;
  /** Serializes and parses fields. Default a `TaggedJSONSerializer`. */
  json?: Pick<TaggedJSONSerializer, "loadsFields" | "dumpsFields">;
}

/**
 * The format, in bytes: version (1), key id (4), nonce (24), ciphertext, tag (16); encoded as base64url.
 * Inside: issue time (6) and expiry (6) in epoch seconds, length of the JSON text (4), the JSON text, zeros.
 */
const VERSION = 1;
const KEY_ID_BYTES = 4;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const PREFIX_BYTES = 6 + 6 + 4;
/** The plaintext is padded to a multiple of this, so that the cookie's length reveals little about its content. */
const PADDING = 32;
const SMALLEST = HEADER_BYTES + NONCE_BYTES + PADDING + TAG_BYTES;

/** Longer values are refused unread; browsers store less than half of this. */
const MAX_TEXT_LENGTH = 16_384;
/** Allowed clock skew between servers, in seconds. */
const MAX_CLOCK_SKEW = 60;
const LATEST = 2 ** 48 - 1;

/** One secret: its key id in cookies, and the derived cipher for each cookie name. */
interface SealingKey {
  readonly id: Buffer;
  readonly secret: Uint8Array;
  readonly derived: Map<string, Xaes>;
}

/**
 * Sealed cookies: encrypted and authenticated, for sessions whose content must stay private.
 *
 * XAES-256-GCM under keys derived by HKDF-SHA-256 (RFC 5869). Format version, cookie name and audience are part of the key
 * as well as of the authenticated data, so a value is invalid under another name or audience. The key id selects the one
 * key that is tried. Nothing is compressed, since the length of compressed data leaks secrets.
 *
 * @throws ConfigError for a secret that is short, listed twice or obviously not random
 *
 * @example
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { sealedCodec } from "hipflask";
 *
 * const codec = sealedCodec({ secretKey: randomBytes(32) });
 * const context = { now: Date.now(), maxAge: 3600, cookieName: "session" };
 * const text = codec.encode(new Map([["username", '"ada"']]), context);
 * console.log(codec.decode(text, context).ok); // true
 * console.log(codec.decode(text, { ...context, cookieName: "admin" }).ok); // false
 * ```
 */
export function sealedCodec(options: SealedCodecOptions): Codec {
  checkNames("sealedCodec", options, ["secretKey", "secretKeyFallbacks", "audience", "json"]);
  const { secretKey, secretKeyFallbacks = [], audience = "", json = new TaggedJSONSerializer() } = options;
  const active = sealingKey("secretKey", secretKey);
  const keys = new Map([[keyName(active.id), active]]);
  for (const [index, fallback] of secretKeyFallbacks.entries()) {
    const key = sealingKey(`secretKeyFallbacks[${index}]`, fallback);
    if (keys.has(keyName(key.id)))
      throw new ConfigError(`"secretKeyFallbacks[${index}]" is listed twice; remove one.`);
    keys.set(keyName(key.id), key);
  }

  return {
    name: "sealed",

    encode(fields, context) {
      const header = Buffer.concat([Buffer.of(VERSION), active.id]);
      const nonce = randomBytes(NONCE_BYTES);
      const place = placeOf(context.cookieName, audience);
      const sealed = cipherFor(active, place).seal(
        nonce,
        pack(json.dumpsFields(fields), context),
        additionalData(header, place),
      );
      return encodeBase64url(Buffer.concat([header, nonce, sealed]));
    },

    decode(text, context) {
      if (text.length > MAX_TEXT_LENGTH) return { ok: false, reason: "too_long" };
      const bytes = decodeBase64url(text);
      if (bytes?.[0] !== VERSION || bytes.length < SMALLEST || (bytes.length - SMALLEST) % PADDING !== 0) {
        return { ok: false, reason: "bad_shape" };
      }
      const header = bytes.subarray(0, HEADER_BYTES);
      const key = keys.get(keyName(header.subarray(1)));
      if (key === undefined) return { ok: false, reason: "unknown_key" };
      const place = placeOf(context.cookieName, audience);
      const plaintext = cipherFor(key, place).open(
        bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
        bytes.subarray(HEADER_BYTES + NONCE_BYTES),
        additionalData(header, place),
      );
      if (plaintext === undefined) return { ok: false, reason: "bad_signature" };
      return unpack(plaintext, context, json);
    },

    // A sealed cookie cannot be read without opening it.
    mayHold: () => true,
  };
}

function sealingKey(option: string, value: SecretKey): SealingKey {
  const secret = rootSecret(option, value);
  return { secret, id: derive(secret, binding("key id"), KEY_ID_BYTES), derived: new Map() };
}

const keyName = (id: Buffer) => id.toString("hex");

/** The cipher of one secret for one cookie name. Cookie names come from the configuration, so there are only a few. */
function cipherFor(key: SealingKey, place: Buffer): Xaes {
  const name = place.toString("utf8");
  let cipher = key.derived.get(name);
  if (cipher === undefined)
    key.derived.set(name, (cipher = xaes256gcm(derive(key.secret, place, KEY_BYTES))));
  return cipher;
}

/** @throws ConfigError if cookie name and audience together exceed Node's limit for HKDF's info */
function placeOf(cookieName: string, audience: string): Buffer {
  const place = binding("session", cookieName, audience);
  if (place.length <= 1024) return place;
  throw new ConfigError(
    'The cookie name and "audience" are too long to seal with; keep them under 400 characters each.',
  );
}

/** Library, format version, purpose, and the other bound values; JSON separates the parts. */
function binding(purpose: string, ...parts: string[]): Buffer {
  return Buffer.from(JSON.stringify(["hipflask", VERSION, purpose, ...parts]));
}

function derive(secret: Uint8Array, info: Uint8Array, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), info, length));
}

function additionalData(header: Buffer, place: Buffer): Buffer {
  return Buffer.concat([header, place]);
}

function pack(text: string, context: CodecContext): Buffer {
  const json = Buffer.from(text, "utf8");
  const plaintext = Buffer.alloc(Math.ceil((PREFIX_BYTES + json.length) / PADDING) * PADDING);
  const issued = epochSeconds(context.now);
  plaintext.writeUIntBE(issued, 0, 6);
  plaintext.writeUIntBE(Math.min(issued + Math.max(context.maxAge, 0), LATEST), 6, 6);
  plaintext.writeUInt32BE(json.length, 12);
  plaintext.set(json, PREFIX_BYTES);
  return plaintext;
}

/** Decodes an authenticated plaintext. Only a holder of the key can make this fail, but it must not throw. */
function unpack(
  plaintext: Buffer,
  context: CodecContext,
  json: NonNullable<SealedCodecOptions["json"]>,
): Decoded {
  const issued = plaintext.readUIntBE(0, 6);
  const expires = plaintext.readUIntBE(6, 6);
  const now = epochSeconds(context.now);
  if (issued - now > MAX_CLOCK_SKEW) return { ok: false, reason: "future" };
  if (now > expires || now - issued > context.maxAge) return { ok: false, reason: "expired" };
  const end = PREFIX_BYTES + plaintext.readUInt32BE(12);
  if (end > plaintext.length) return { ok: false, reason: "bad_payload" };
  try {
    return {
      ok: true,
      fields: json.loadsFields(plaintext.toString("utf8", PREFIX_BYTES, end)),
      signedAt: issued,
    };
  } catch (error) {
    return { ok: false, reason: error instanceof BadShape ? "bad_shape" : "bad_payload" };
  }
}

const epochSeconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
