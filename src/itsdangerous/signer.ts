import { checkNames } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { BadSignature, ConfigError } from "../errors.ts";
import { bytesOf, importSecretKey, importSecretKeys } from "./secret-key.ts";
import type { SecretKey } from "./secret-key.ts";

/** The hash inside the HMAC and inside the key derivation. */
export type Digest = "sha1" | "sha256" | "sha384" | "sha512";

/** How the signing key is made from secret and salt; the words are those of Python's itsdangerous. */
export type KeyDerivation = "hmac" | "concat" | "django-concat" | "none";

/** How a `Signer` signs. Both sides must agree on all of it. */
export interface SignerOptions {
  /** Keeps signatures made for one purpose from being valid for another. Default `"itsdangerous.Signer"`. */
  salt?: string | Uint8Array;
  /** Stands between value and signature. Default `"."`. */
  sep?: string;
  /** Default `"django-concat"`, as in itsdangerous. */
  keyDerivation?: KeyDerivation;
  /** Default `"sha1"`, as in itsdangerous. What is weak about SHA-1 does not weaken HMAC (RFC 6194 §3.3). */
  digest?: Digest;
}

const AGELESS =
  "A Signer signs no time, so it knows no age and takes the text alone. Use a TimestampSigner on both sides.";
const OPTIONS = ["salt", "sep", "keyDerivation", "digest", "now"];
const DIGEST_SIZE: Record<Digest, number> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const KEY_DERIVATIONS: readonly string[] = ["hmac", "concat", "django-concat", "none"];

/**
 * Signs text and checks signatures, as `itsdangerous.Signer` does in Python; each verifies what the other signs.
 *
 * A list of secrets goes from oldest to newest: the last one signs, all verify, newest first.
 *
 * @example
 * ```ts
 * import { Signer } from "hipflask/itsdangerous";
 *
 * const signer = new Signer("a long random text", { salt: "unsubscribe" });
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
  /** Newest first: the order they are tried in. */
  readonly #secretKeys: readonly KeyObject[];
  readonly #derivedKeys: KeyObject[] = [];
  /** The two sides of a comparison. Kept, since making buffers costs more than comparing them. */
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

  /** The key that signs, made from the salt and a secret (default: the newest one). Meant for tests and subclasses. */
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

  /** The signature of a text under the newest key, base64url. @throws TypeError for a lone surrogate */
  getSignature(value: string): string {
    if (!value.isWellFormed()) {
      throw new TypeError("The text to sign holds half of a surrogate pair and has no UTF-8 form.");
    }
    return this.#signature(0, value);
  }

  /**
   * Whether `signature` is that of `value` under one of the keys, compared in constant time.
   *
   * Stricter than Python: the text of the signature must be the one `getSignature` writes, where Python compares
   * what its lax base64 reader makes of it.
   */
  verifySignature(value: string, signature: string): boolean {
    const { length } = this.#given;
    // The length in characters and in bytes: text beyond ASCII has more of these.
    if (signature.length !== length || this.#given.write(signature, "utf8") !== length) return false;
    if (!value.isWellFormed()) return false;
    for (let index = 0; index < this.#secretKeys.length; index += 1) {
      this.#expected.write(this.#signature(index, value), "latin1");
      if (timingSafeEqual(this.#given, this.#expected)) return true;
    }
    return false;
  }

  /** The text with its signature attached. */
  sign(value: string): string {
    return `${value}${this.sep}${this.getSignature(value)}`;
  }

  /** The text without its signature. @throws BadSignature if that is missing or matches no key */
  unsign(signed: string): string {
    if (arguments.length > 1) throw new ConfigError(AGELESS);
    const parts = splitLast(signed, this.sep);
    if (parts === undefined) throw new BadSignature(`No "${this.sep}" found in the signed text.`);
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
 * A text in two, at the last separator; undefined without one. Query strings and forms may yield something else than text,
 * which has none.
 */
export function splitLast(text: string, sep: string): [before: string, after: string] | undefined {
  const cut = typeof text === "string" ? text.lastIndexOf(sep) : -1;
  return cut === -1 ? undefined : [text.slice(0, cut), text.slice(cut + sep.length)];
}
