import { checkNames } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { BadSignature, ConfigError } from "../errors.ts";
import { bytesOf, importSecretKey, importSecretKeys } from "./secret-key.ts";
import type { SecretKey } from "./secret-key.ts";

/** The hash function of the HMAC and of the key derivation. */
export type Digest = "sha1" | "sha256" | "sha384" | "sha512";

/** How the signing key is derived from secret and salt, by itsdangerous' names. */
export type KeyDerivation = "hmac" | "concat" | "django-concat" | "none";

/** Options of a `Signer`. Both sides must use the same ones. */
export interface SignerOptions {
  /** Makes signatures for one purpose invalid for another. Default `"itsdangerous.Signer"`. */
  salt?: string | Uint8Array;
  /** Separates value and signature. Default `"."`. */
  sep?: string;
  /** Default `"django-concat"`, as in itsdangerous. */
  keyDerivation?: KeyDerivation;
  /** Default `"sha1"`, as in itsdangerous. The known attacks on SHA-1 do not affect HMAC (RFC 6194 §3.3). */
  digest?: Digest;
}

const AGELESS =
  "A Signer signs no timestamp, so it cannot check an age, and takes only the string. Use a TimestampSigner on both sides.";
const OPTIONS = ["salt", "sep", "keyDerivation", "digest", "now"];
const DIGEST_SIZE: Record<Digest, number> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const KEY_DERIVATIONS: readonly string[] = ["hmac", "concat", "django-concat", "none"];

/**
 * Signs strings and verifies signatures. Compatible with Python's `itsdangerous.Signer`.
 *
 * A list of secrets is ordered from oldest to newest: the last one signs, and all verify, newest first.
 *
 * @example
 * ```ts
 * import { Signer } from "hipflask/itsdangerous";
 *
 * const signer = new Signer("a long random string", { salt: "unsubscribe" });
 * const signed = signer.sign("ada@example.org");
 * console.log(signer.unsign(signed)); // ada@example.org
 * console.log(signer.validate(`${signed}x`)); // false
 * ```
 */
export class Signer {
  readonly salt: Uint8Array;
  readonly sep: string;
  readonly keyDerivation: KeyDerivation;
  readonly digest: Digest;
  /** Newest first, in the order of verification. */
  readonly #secretKeys: readonly KeyObject[];
  readonly #derivedKeys: KeyObject[] = [];
  /** Buffers for comparing, reused since allocating them costs more than the comparison. */
  readonly #given: Buffer;
  readonly #expected: Buffer;

  /** @throws ConfigError for an empty secret, an empty list, a wrong type, or an unusable option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: SignerOptions = {}) {
    checkNames(new.target.name, options, OPTIONS);
    const {
      salt = "itsdangerous.Signer",
      sep = ".",
      keyDerivation = "django-concat",
      digest = "sha1",
    } = options;
    if (typeof sep !== "string" || /^[\w=-]*$/.test(sep)) {
      throw new ConfigError(
        `"sep" must be a string with a character other than ASCII letters, digits, "-", "_" and "=": those occur in signatures.`,
      );
    }
    if (!KEY_DERIVATIONS.includes(keyDerivation)) {
      throw new ConfigError(`"keyDerivation" must be one of ${KEY_DERIVATIONS.join(", ")}.`);
    }
    if (!Object.hasOwn(DIGEST_SIZE, digest)) {
      throw new ConfigError(`"digest" must be one of ${Object.keys(DIGEST_SIZE).join(", ")}.`);
    }
    this.salt = Uint8Array.from(bytesOf("salt", salt));
    this.sep = sep;
    this.keyDerivation = keyDerivation;
    this.digest = digest;
    this.#given = Buffer.alloc(Math.ceil((DIGEST_SIZE[digest] * 4) / 3)); // base64 without padding
    this.#expected = Buffer.alloc(this.#given.length);
    this.#secretKeys = Array.isArray(secretKey)
      ? importSecretKeys("secretKey", secretKey).toReversed()
      : [importSecretKey("secretKey", secretKey)];
    if (this.#secretKeys.length === 0) {
      throw new ConfigError(
        '"secretKey" is an empty list; it must hold the key to sign with as its last item.',
      );
    }
  }

  /** Derives the signing key from the salt and a secret (default: the newest). For tests and subclasses. */
  deriveKey(secretKey: SecretKey = this.#secretKeys[0]!.export()): Uint8Array {
    const secret = bytesOf("secretKey", secretKey);
    switch (this.keyDerivation) {
      case "hmac":
        return createHmac(this.digest, secret).update(this.salt).digest();
      case "concat":
        return createHash(this.digest).update(this.salt).update(secret).digest();
      case "django-concat":
        return createHash(this.digest).update(this.salt).update("signer").update(secret).digest();
      case "none":
        return secret;
    }
  }

  /** Signs a string with the newest key and returns the signature in base64url. @throws TypeError for a lone surrogate */
  getSignature(value: string): string {
    if (!value.isWellFormed()) {
      throw new TypeError("The string to sign contains a lone surrogate, which UTF-8 cannot encode.");
    }
    return this.#signature(0, value);
  }

  /**
   * Whether one of the keys verifies the `signature` of `value`. Compares in constant time.
   *
   * Stricter than Python, which decodes the signature leniently before it compares: only the encoding that `getSignature`
   * returns is valid.
   */
  verifySignature(value: string, signature: string): boolean {
    const { length } = this.#given;
    // The length in characters and in bytes, which differ if there are non-ASCII characters.
    if (signature.length !== length || this.#given.write(signature, "utf8") !== length) return false;
    if (!value.isWellFormed()) return false;
    for (let index = 0; index < this.#secretKeys.length; index += 1) {
      this.#expected.write(this.#signature(index, value), "latin1");
      if (timingSafeEqual(this.#given, this.#expected)) return true;
    }
    return false;
  }

  /** Appends the signature to a string. */
  sign(value: string): string {
    return `${value}${this.sep}${this.getSignature(value)}`;
  }

  /** Verifies a signed value and returns it without the signature. @throws BadSignature if the signature is missing or matches no key */
  unsign(signed: string): string {
    if (arguments.length > 1) throw new ConfigError(AGELESS);
    const parts = splitLast(signed, this.sep);
    if (parts === undefined) throw new BadSignature(`No "${this.sep}" found in the signed value.`);
    if (!this.verifySignature(...parts)) {
      throw new BadSignature("The signature does not match.", { payload: parts[0] });
    }
    return parts[0];
  }

  /** Whether `unsign` would succeed. */
  validate(signed: string): boolean {
    if (arguments.length > 1) throw new ConfigError(AGELESS);
    const parts = splitLast(signed, this.sep);
    return parts !== undefined && this.verifySignature(...parts);
  }

  #signature(index: number, value: string): string {
    const key = (this.#derivedKeys[index] ??= createSecretKey(
      this.deriveKey(this.#secretKeys[index]!.export()),
    ));
    return createHmac(this.digest, key).update(value, "utf8").digest("base64url");
  }
}

shareClass("Signer", Signer);

/**
 * Splits at the last separator; undefined without one, and for values other than strings, which query strings and forms can
 * give.
 */
export function splitLast(text: string, sep: string): [before: string, after: string] | undefined {
  const cut = typeof text === "string" ? text.lastIndexOf(sep) : -1;
  return cut === -1 ? undefined : [text.slice(0, cut), text.slice(cut + sep.length)];
}
