import { checkNames } from "../check-options.ts";
import { BadPayload, BadSignature, ConfigError, SignatureExpired } from "../errors.ts";
import { type PayloadSerializer, pythonJSON } from "./json.ts";
import type { SecretKey } from "./secret-key.ts";
import { Signer, type SignerOptions } from "./signer.ts";
import { TimestampSigner, type TimestampSignerOptions, type UnsignOptions } from "./timestamp-signer.ts";
import { shareClass } from "../copies.ts";

/** Options of a serializer. The salt defaults to `"itsdangerous"`. */
export interface SerializerOptions extends SignerOptions {
  /** Serializes and parses values. Default JSON. */
  serializer?: PayloadSerializer;
  /**
   * Other signer options that `loads` also accepts, for changing the digest or key derivation without invalidating existing
   * tokens. Default none.
   */
  fallbackSigners?: ReadonlyArray<Omit<SignerOptions, "salt">>;
}

/** Options of one call. */
export interface SaltOption {
  /** Makes tokens for one purpose invalid for another. Default: the serializer's. */
  salt?: string | Uint8Array | undefined;
}

/** All options of a serializer and its signer. */
export const SERIALIZER_OPTIONS = [
  "salt",
  "sep",
  "keyDerivation",
  "digest",
  "serializer",
  "fallbackSigners",
  "now",
];
const SALT = ["salt"];
const LOADS_OPTIONS = ["maxAge", "salt", "returnTimestamp"];

/** @throws ConfigError, above all for the global `JSON`: Python's `serializer=json` is the default here */
export function assertSerializer(serializer: PayloadSerializer): void {
  if (typeof serializer?.dumps !== "function" || typeof serializer.loads !== "function")
    throw new ConfigError('"serializer" must have the methods dumps and loads. Leave it out for JSON.');
}

type SignerClass<S> = new (secretKey: SecretKey | readonly SecretKey[], options: TimestampSignerOptions) => S;

/** Base of the serializers with and without a timestamp. */
export abstract class SignedSerializer<S extends Signer> {
  readonly #serializer: PayloadSerializer;
  readonly #signersFor: (salt: string | Uint8Array) => S[];
  readonly #signers: readonly S[];

  constructor(
    signer: SignerClass<S>,
    secretKey: SecretKey | readonly SecretKey[],
    options: SerializerOptions & Pick<TimestampSignerOptions, "now">,
  ) {
    checkNames(new.target.name, options, SERIALIZER_OPTIONS);
    const { salt = "itsdangerous", serializer = pythonJSON, fallbackSigners = [], now, ...own } = options;
    assertSerializer(serializer);
    if (!Array.isArray(fallbackSigners)) throw new ConfigError('"fallbackSigners" must be a list.');
    const signersOf = (secrets: typeof secretKey, salt: string | Uint8Array) =>
      [own, ...fallbackSigners].map((way) => new signer(secrets, { ...way, salt, now }));
    this.#serializer = serializer;
    this.#signers = signersOf(secretKey, salt);
    const secrets = structuredClone(secretKey);
    this.#signersFor = (salt) => signersOf(secrets, salt);
  }

  /** Serializes and signs a value. */
  dumps(value: unknown, options: SaltOption = {}): string {
    checkNames("dumps", options, SALT);
    return this.#withSalt(options.salt)[0]!.sign(this.#serializer.dumps(value));
  }

  /** Verifies a signed value and returns the value. */
  abstract loads(text: string, options?: SaltOption): unknown;

  /**
   * Like `loads`, but also returns a value whose signature is wrong or expired: for debugging only. The first item tells
   * whether the signature is valid. The value is null if it cannot be read.
   */
  loadsUnsafe(text: string, options?: SaltOption): [signatureOk: boolean, value: unknown] {
    try {
      return [true, this.loads(text, options)];
    } catch (error) {
      if (error instanceof BadSignature) return [false, this.#loadEvidence(error.payload)];
      if (error instanceof BadPayload) return [true, null];
      throw error;
    }
  }

  /** The result of the first signer that accepts the string. */
  protected unsignWith<T>(salt: SaltOption["salt"], unsign: (signer: S) => T): T {
    let failure: BadSignature | undefined;
    for (const signer of this.#withSalt(salt)) {
      try {
        return unsign(signer);
      } catch (error) {
        if (!(error instanceof BadSignature) || error instanceof SignatureExpired) throw error;
        failure = error;
      }
    }
    throw failure!;
  }

  /** @throws BadPayload for anything that the serializer throws */
  protected loadPayload(payload: string): unknown {
    try {
      return this.#serializer.loads(payload);
    } catch (cause) {
      if (cause instanceof BadPayload) throw cause;
      throw new BadPayload("The payload is signed correctly but cannot be decoded.", { cause });
    }
  }

  #loadEvidence(payload: string | undefined): unknown {
    try {
      return payload === undefined ? null : this.loadPayload(payload);
    } catch {
      return null;
    }
  }

  #withSalt(salt: SaltOption["salt"]): readonly S[] {
    return salt === undefined ? this.#signers : this.#signersFor(salt);
  }
}

/**
 * Serializes values to signed JSON and back, like `itsdangerous.Serializer`. Anyone can read the result, and it is not safe
 * in URLs: see `URLSafeSerializer`.
 *
 * @example
 * ```ts
 * import { Serializer } from "hipflask/itsdangerous";
 *
 * const serializer = new Serializer("a long random string", { salt: "export" });
 * const text = serializer.dumps({ rows: [1, 2] });
 * console.log(text.startsWith('{"rows": [1, 2]}.')); // true
 * console.log(serializer.loads(text)); // { rows: [ 1, 2 ] }
 * ```
 */
export class Serializer extends SignedSerializer<Signer> {
  /** @throws ConfigError for an unusable secret or option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: SerializerOptions = {}) {
    super(Signer, secretKey, options);
  }

  /**
   * Verifies a signed value and returns the value.
   *
   * @throws BadSignature if the signature is missing or matches no key
   * @throws BadPayload if it is valid, but the payload cannot be decoded
   */
  override loads(text: string, options: SaltOption = {}): unknown {
    if (Object.hasOwn(Object(options), "maxAge"))
      throw new ConfigError(
        `${this.constructor.name} signs no time, so it knows no age. Use TimedSerializer, or URLSafeTimedSerializer, on both sides.`,
      );
    checkNames("loads", options, SALT);
    return this.unsignWith(options.salt, (signer) => this.loadPayload(signer.unsign(text)));
  }
}

shareClass("Serializer", Serializer);

/** Options of a `TimedSerializer`. */
export interface TimedSerializerOptions extends SerializerOptions, Pick<TimestampSignerOptions, "now"> {}

/** Options of `TimedSerializer.loads`. */
export interface TimedLoadsOptions extends UnsignOptions, SaltOption {}

/**
 * A `Serializer` whose signed values can expire, like `itsdangerous.TimedSerializer`.
 *
 * @example
 * ```ts
 * import { SignatureExpired, TimedSerializer } from "hipflask/itsdangerous";
 *
 * let now = Date.now();
 * const serializer = new TimedSerializer("a long random string", { now: () => now });
 * const text = serializer.dumps({ id: 5 });
 * now += 61_000;
 * try {
 *   serializer.loads(text, { maxAge: 60 });
 * } catch (error) {
 *   console.log(error instanceof SignatureExpired && error.dateSigned); // a minute ago
 * }
 * ```
 */
export class TimedSerializer extends SignedSerializer<TimestampSigner> {
  /** @throws ConfigError for an unusable secret or option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: TimedSerializerOptions = {}) {
    super(TimestampSigner, secretKey, options);
  }

  /**
   * Verifies a signed value and returns the value, with `returnTimestamp` as a pair with the time of signing.
   *
   * @throws SignatureExpired if it is older than `maxAge` seconds, or (only if `maxAge` is given) from the future
   * @throws BadTimeSignature if the signature matches no key or the time is missing or unreadable
   * @throws BadSignature if there is no signature
   * @throws BadPayload if the signature is valid, but the payload cannot be decoded
   */
  override loads(text: string, options: TimedLoadsOptions & { returnTimestamp: true }): [unknown, Date];
  override loads(text: string, options?: TimedLoadsOptions): unknown;
  override loads(text: string, options: TimedLoadsOptions = {}): unknown {
    checkNames("loads", options, LOADS_OPTIONS);
    const { salt, maxAge, returnTimestamp = false } = options;
    return this.unsignWith(salt, (signer) => {
      const [payload, signedAt] = signer.unsign(text, { maxAge, returnTimestamp: true });
      const value = this.loadPayload(payload);
      return returnTimestamp ? [value, signedAt] : value;
    });
  }

  /** Like `loads` without verifying; a value older than `maxAge` seconds is treated as one with a wrong signature. */
  override loadsUnsafe(
    text: string,
    options?: Pick<TimedLoadsOptions, "salt" | "maxAge">,
  ): [signatureOk: boolean, value: unknown] {
    return super.loadsUnsafe(text, options);
  }
}

shareClass("TimedSerializer", TimedSerializer);
