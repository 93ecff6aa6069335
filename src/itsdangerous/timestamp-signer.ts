import { BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import type { SecretKey } from "./secret-key.ts";
import { Signer } from "./signer.ts";
import type { SignerOptions } from "./signer.ts";
import { decodeTimestamp, encodeTimestamp } from "./timestamp.ts";

/** How a `TimestampSigner` signs. */
export interface TimestampSignerOptions extends SignerOptions {
  /** The clock, epoch **milliseconds**. Default `Date.now`. */
  now?: (() => number) | undefined;
}

/** What `unsign` and `loads` check and return besides the value. */
export interface UnsignOptions {
  /** Oldest acceptable age in seconds; the exact age is still good. Default: any age, and any time in the future. */
  maxAge?: number | undefined;
  /** Also return when the text was signed. Default false. */
  returnTimestamp?: boolean | undefined;
}

/**
 * A `Signer` that also signs the time, so that signatures can expire. As `itsdangerous.TimestampSigner`.
 *
 * @example
 * ```ts
 * import { TimestampSigner } from "hipflask/itsdangerous";
 *
 * const signer = new TimestampSigner("a long random text", { salt: "confirm-email" });
 * const signed = signer.sign("ada@example.org");
 * const [email, signedAt] = signer.unsign(signed, { maxAge: 3600, returnTimestamp: true });
 * console.log(email, signedAt.getTime() <= Date.now()); // ada@example.org true
 * ```
 */
export class TimestampSigner extends Signer {
  readonly #now: () => number;

  /** @throws ConfigError for an unusable secret or option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: TimestampSignerOptions = {}) {
    super(secretKey, options);
    this.#now = options.now ?? Date.now;
  }

  /** The time that is signed: whole epoch seconds, cut and not rounded. */
  getTimestamp(): number {
    return Math.floor(this.#now() / 1000);
  }

  /** The text with the time and the signature of both attached. */
  override sign(value: string): string {
    return super.sign(`${value}${this.sep}${encodeTimestamp(this.getTimestamp())}`);
  }

  /**
   * The text without time and signature; a pair with the time of signing if `returnTimestamp` is set.
   *
   * @throws SignatureExpired if it is older than `maxAge` seconds, or (only if `maxAge` is given) from the future
   * @throws BadTimeSignature if the signature matches no key or the time is missing or unreadable
   * @throws BadSignature if there is no signature
   */
  override unsign(signed: string, options: UnsignOptions & { returnTimestamp: true }): [string, Date];
  override unsign(signed: string, options?: UnsignOptions & { returnTimestamp?: false | undefined }): string;
  override unsign(signed: string, options?: UnsignOptions): string | [string, Date];
  override unsign(signed: string, { maxAge, returnTimestamp = false }: UnsignOptions = {}) {
    const { timed, mismatch } = this.#unsignTimed(signed);
    const cut = timed.lastIndexOf(this.sep);
    if (cut === -1) {
      throw mismatch ?? new BadTimeSignature("The timestamp is missing.", { payload: timed });
    }
    const payload = timed.slice(0, cut);
    const seconds = decodeTimestamp(timed.slice(cut + this.sep.length));
    const dateSigned = toDate(seconds);
    if (mismatch) {
      throw new BadTimeSignature(mismatch.message, {
        payload,
        ...(dateSigned && { dateSigned }),
        cause: mismatch,
      });
    }
    if (seconds === undefined || dateSigned === undefined) {
      throw new BadTimeSignature("The timestamp is malformed.", { payload });
    }
    if (maxAge !== undefined) {
      this.#checkAge(seconds, maxAge, { payload, dateSigned });
    }
    return returnTimestamp ? [payload, dateSigned] : payload;
  }

  /** Whether `unsign` would succeed. */
  override validate(signed: string, options: Pick<UnsignOptions, "maxAge"> = {}): boolean {
    try {
      this.unsign(signed, options);
      return true;
    } catch (error) {
      if (error instanceof BadSignature) return false;
      throw error;
    }
  }

  /** The signed text with its time, even if the signature is wrong: the error then tells what was claimed. */
  #unsignTimed(signed: string): { timed: string; mismatch?: BadSignature } {
    try {
      return { timed: super.unsign(signed) };
    } catch (error) {
      if (!(error instanceof BadSignature)) throw error;
      return { timed: error.payload ?? "", mismatch: error };
    }
  }

  #checkAge(seconds: number, maxAge: number, evidence: { payload: string; dateSigned: Date }): void {
    if (typeof maxAge !== "number" || Number.isNaN(maxAge)) {
      throw new ConfigError('"maxAge" must be a number of seconds.');
    }
    const age = this.getTimestamp() - seconds;
    if (age > maxAge) {
      throw new SignatureExpired(`The signature is ${age} s old; at most ${maxAge} s are allowed.`, evidence);
    }
    if (age < 0) {
      throw new SignatureExpired(`The signature is from ${-age} s in the future.`, evidence);
    }
  }
}

function toDate(seconds: number | undefined): Date | undefined {
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
