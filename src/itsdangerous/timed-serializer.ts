import { shareClass } from "../copies.ts";
import type { SecretKey } from "./secret-key.ts";
import { SignedSerializer } from "./signed-serializer.ts";
import type { SaltOption, SerializerOptions } from "./signed-serializer.ts";
import { TimestampSigner } from "./timestamp-signer.ts";
import type { TimestampSignerOptions, UnsignOptions } from "./timestamp-signer.ts";

/** How a `TimedSerializer` signs and what it makes of values. */
export interface TimedSerializerOptions extends SerializerOptions, Pick<TimestampSignerOptions, "now"> {}

/** What `TimedSerializer.loads` checks and returns besides the value. */
export interface TimedLoadsOptions extends UnsignOptions, SaltOption {}

/**
 * A `Serializer` whose texts can expire, as `itsdangerous.TimedSerializer`.
 *
 * @example
 * ```ts
 * import { SignatureExpired, TimedSerializer } from "hipflask/itsdangerous";
 *
 * let now = Date.now();
 * const serializer = new TimedSerializer("a long random text", { now: () => now });
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
   * The value of a signed text; a pair with the time of signing if `returnTimestamp` is set.
   *
   * @throws SignatureExpired if it is older than `maxAge` seconds, or (only if `maxAge` is given) from the future
   * @throws BadTimeSignature if the signature matches no key or the time is missing or unreadable
   * @throws BadSignature if there is no signature
   * @throws BadPayload if all of that is right, but what it covers cannot be decoded
   */
  override loads(text: string, options: TimedLoadsOptions & { returnTimestamp: true }): [unknown, Date];
  override loads(text: string, options?: TimedLoadsOptions): unknown;
  override loads(text: string, { salt, maxAge, returnTimestamp = false }: TimedLoadsOptions = {}): unknown {
    return this.unsignWith(salt, (signer) => {
      const [payload, signedAt] = signer.unsign(text, { maxAge, returnTimestamp: true });
      const value = this.loadPayload(payload);
      return returnTimestamp ? [value, signedAt] : value;
    });
  }

  /** As `loads` without verifying; a text older than `maxAge` seconds counts as one with a wrong signature. */
  override loadsUnsafe(
    text: string,
    options?: Pick<TimedLoadsOptions, "salt" | "maxAge">,
  ): [signatureOk: boolean, value: unknown] {
    return super.loadsUnsafe(text, options);
  }
}

shareClass("TimedSerializer", TimedSerializer);
