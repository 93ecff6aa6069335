import { Buffer } from "node:buffer";
import { checkNumber } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptOptions,
  AcceptRefusal,
} from "./accepted-cookie.ts";
import { percentDecode } from "./cookie-value.ts";
import { isRecord, without } from "./plain-json.ts";

/** The part of the package `sodium-native` that is used: Node has neither XSalsa20-Poly1305 nor Argon2id. */
export interface Sodium {
  readonly crypto_pwhash_OPSLIMIT_MODERATE: number;
  readonly crypto_pwhash_MEMLIMIT_MODERATE: number;
  readonly crypto_pwhash_ALG_DEFAULT: number;
  crypto_pwhash(
    output: Buffer,
    password: Buffer,
    salt: Buffer,
    opslimit: number,
    memlimit: number,
    algorithm: number,
  ): void;
  crypto_secretbox_open_easy(message: Buffer, ciphertext: Buffer, nonce: Buffer, key: Buffer): boolean;
}

/** The options of the old `fastify.register(secureSession, { … })`. Either `key` or `secret`. */
export interface FastifySecureSessionOptions extends AcceptOptions {
  /** The package `sodium-native` of the old application: `import sodium from "sodium-native"`. */
  sodium: Sodium;
  /** Its `key`: 32 bytes, or their base64; any of several may have been used. */
  key?: string | Uint8Array | ReadonlyArray<string | Uint8Array>;
  /** Its `secret`. The key is derived once, when the reader is created, which takes most of a second and 256 MiB. */
  secret?: string;
  /** Its `salt`, 16 bytes. Default the package's own. */
  salt?: string | Uint8Array;
  /** Its `expiry` in seconds. Default 86401, as in the package. */
  expiry?: number;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const MAC_BYTES = 16;
const SALT_BYTES = 16;
/** The package's default salt. */
const DEFAULT_SALT = Buffer.from("mq9hDxBVDbspDR6nLfFT1g==", "base64");

/**
 * Reads the cookie of @fastify/secure-session: the data, encrypted with libsodium's secretbox (default name `session`).
 *
 * @throws ConfigError without a valid key
 *
 * @example
 * ```ts
 * import sodium from "sodium-native";
 * import { fastifySecureSession } from "hipflask/accepts";
 *
 * const old = fastifySecureSession({ sodium, key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function fastifySecureSession(options: FastifySecureSessionOptions): AcceptedCookie {
  checkReader("fastifySecureSession", options, ["sodium", "key", "secret", "salt", "expiry"]);
  const { cookieName = "session", sodium, expiry = 86_401 } = options;
  checkNumber("expiry", expiry, 0, " of seconds");
  const keys = secretboxKeys(options);

  function open(ciphertext: Buffer, nonce: Buffer): Buffer | undefined {
    const message = Buffer.alloc(ciphertext.length - MAC_BYTES);
    return keys.some((key) => sodium.crypto_secretbox_open_easy(message, ciphertext, nonce, key))
      ? message
      : undefined;
  }

  function contentOf(session: unknown, { now }: AcceptContext): AcceptedContent | AcceptRefusal {
    if (!isRecord(session)) return "bad_shape";
    const { __ts: written } = session;
    if (typeof written !== "number") return "bad_payload";
    if ((written + expiry) * 1000 <= now) return "expired";
    return { kind: "data", data: without(session, "__ts") };
  }

  return acceptedCookie(
    {
      name: "@fastify/secure-session",
      cookieName,
      read(cookies, context) {
        const sent = cookies.get(cookieName);
        if (sent === undefined) return "missing";
        const parts = percentDecode(sent)?.split(";", 3) ?? [];
        const [ciphertext, nonce] = parts.map(bytesFromBase64);
        if (
          parts.length !== 2 ||
          !ciphertext ||
          ciphertext.length < MAC_BYTES ||
          nonce?.length !== NONCE_BYTES
        )
          return "bad_shape";
        const message = open(ciphertext, nonce);
        return message === undefined
          ? "bad_signature"
          : contentOf(JSON.parse(message.toString("utf8")), context);
      },
    },
    options,
  );
}

function bytesFromBase64(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : undefined;
}

function secretboxKeys({ key, secret, salt = DEFAULT_SALT, sodium }: FastifySecureSessionOptions): Buffer[] {
  if (typeof sodium?.crypto_secretbox_open_easy !== "function") {
    throw new ConfigError(
      '"sodium" is missing; pass the package sodium-native: import sodium from "sodium-native".',
    );
  }
  if (key !== undefined) {
    const keys = (Array.isArray(key) ? key : [key]).map((one: string | Uint8Array) =>
      typeof one === "string" ? Buffer.from(one, "base64") : Buffer.from(one),
    );
    if (keys.length > 0 && keys.every((one) => one.length === KEY_BYTES)) return keys;
    throw new ConfigError(`"key" must be ${KEY_BYTES} bytes, their base64, or a list of these.`);
  }
  if (!secret)
    throw new ConfigError('"key" and "secret" are both missing; pass the one of the old application.');
  const saltBytes = typeof salt === "string" ? Buffer.from(salt, "ascii") : Buffer.from(salt);
  if (saltBytes.length !== SALT_BYTES)
    throw new ConfigError(`"salt" must have ${SALT_BYTES} bytes, not ${saltBytes.length}.`);
  const derived = Buffer.alloc(KEY_BYTES);
  sodium.crypto_pwhash(
    derived,
    Buffer.from(secret),
    saltBytes,
    sodium.crypto_pwhash_OPSLIMIT_MODERATE,
    sodium.crypto_pwhash_MEMLIMIT_MODERATE,
    sodium.crypto_pwhash_ALG_DEFAULT,
  );
  return [derived];
}
