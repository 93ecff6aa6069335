import { checkNames } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import type { SecretKey } from "./secret-key.ts";
import { Signer, type SignerOptions, splitLast } from "./signer.ts";
import { decodeBase64url, encodeBase64url } from "./encoding.ts";
import { systemClock } from "./system-clock.ts";

/** Options of a `TimestampSigner`. */
export interface TimestampSignerOptions extends SignerOptions {
  /** The clock, in epoch **milliseconds**. Default `Date.now`. */
  now?: (() => number) | undefined;
}

/** Options of `unsign` and `loads`. */
export interface UnsignOptions {
  /** Maximum age in seconds, inclusive. Default: any age, and any time in the future. */
  maxAge?: number | undefined;
  /** Return the time of signing as well. Default false. */
  returnTimestamp?: boolean | undefined;
}

const UNSIGN_OPTIONS = ["maxAge", "returnTimestamp"];
const MISMATCH = "The signature does not match.";

/** A parsed signed value, and its fault. */
export interface TimedText {
  /** The value without timestamp and signature. With a wrong signature: everything before it, **not** verified. */
  readonly value: string;
  /** Epoch seconds; undefined if the time is missing or unreadable. */
  readonly signedAt: number | undefined;
  readonly fault: "unsigned" | "signature" | "no-time" | "time" | undefined;
}

/**
 * A `Signer` that also signs the time, so that signatures can expire. Like `itsdangerous.TimestampSigner`.
 *
 * @example
 * ```ts
 * import { TimestampSigner } from "hipflask/itsdangerous";
 *
 * const signer = new TimestampSigner("a long random string", { salt: "confirm-email" });
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
    this.#now = options.now ?? systemClock;
  }

  /** The timestamp to sign: epoch seconds, rounded down. */
  getTimestamp(): number {
    return Math.floor(this.#now() / 1000);
  }

  /**
   * Appends a timestamp and the signature of both to a string.
   *
   * @param timestamp epoch seconds. Default: the current time
   */
  override sign(value: string, timestamp = this.getTimestamp()): string {
    if (!Number.isSafeInteger(timestamp) || timestamp < 0)
      throw new ConfigError(
        "The timestamp of a signature must be a whole number of seconds, as Math.floor(Date.now() / 1000) is.",
      );
    return super.sign(`${value}${this.sep}${encodeTimestamp(timestamp)}`);
  }

  /** Splits and verifies a signed value of any age. Returns a `fault` where `unsign` throws, so a forged value costs no error object. */
  parse(signed: string): TimedText {
    const parts = splitLast(signed, this.sep);
    if (parts === undefined) return { value: "", signedAt: undefined, fault: "unsigned" };
    if (!this.verifySignature(...parts)) return { value: parts[0], signedAt: undefined, fault: "signature" };
    return this.#parseTimed(parts[0]);
  }

  /**
   * Verifies a signed value and returns it without timestamp and signature, with `returnTimestamp` as a pair with the time
   * of signing.
   *
   * @throws SignatureExpired if it is older than `maxAge` seconds, or (only if `maxAge` is given) from the future
   * @throws BadTimeSignature if the signature matches no key or the time is missing or unreadable
   * @throws BadSignature if there is no signature
   */
  override unsign(signed: string, options: UnsignOptions & { returnTimestamp: true }): [string, Date];
  override unsign(signed: string, options?: UnsignOptions & { returnTimestamp?: false | undefined }): string;
  override unsign(signed: string, options?: UnsignOptions): string | [string, Date];
  override unsign(signed: string, options: UnsignOptions = {}) {
    checkNames("unsign", options, UNSIGN_OPTIONS);
    const { maxAge, returnTimestamp = false } = options;
    const parsed = this.parse(signed);
    if (parsed.fault === "unsigned") throw new BadSignature(`No "${this.sep}" found in the signed value.`);
    const isWrong = parsed.fault === "signature";
    const { value: payload, signedAt, fault } = isWrong ? this.#parseTimed(parsed.value) : parsed;
    // As in Python, a value without a valid signature is not reported as one with a bad timestamp.
    if (isWrong && fault === "no-time") throw new BadSignature(MISMATCH, { payload });
    if (fault === "no-time") throw new BadTimeSignature("The timestamp is missing.", { payload });
    const dateSigned = toDate(signedAt);
    // The error has the unverified timestamp.
    if (isWrong) throw new BadTimeSignature(MISMATCH, { payload, ...(dateSigned && { dateSigned }) });
    if (signedAt === undefined || dateSigned === undefined) {
      throw new BadTimeSignature("The timestamp is malformed.", { payload });
    }
    if (maxAge !== undefined) this.#checkAge(signedAt, maxAge, { payload, dateSigned });
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

  #parseTimed(timed: string): TimedText {
    const [value, time] = splitLast(timed, this.sep) ?? [timed];
    if (time === undefined) return { value, signedAt: undefined, fault: "no-time" };
    const signedAt = decodeTimestamp(time);
    return { value, signedAt, fault: signedAt === undefined ? "time" : undefined };
  }

  #checkAge(seconds: number, maxAge: number, evidence: { payload: string; dateSigned: Date }): void {
    if (typeof maxAge !== "number" || Number.isNaN(maxAge)) {
      throw new ConfigError('"maxAge" must be a number of seconds.');
    }
    const now = this.getTimestamp();
    const fault = ageFault(seconds, now, maxAge);
    if (fault === "expired") {
      throw new SignatureExpired(
        `The signature is ${now - seconds} s old; at most ${maxAge} s are allowed.`,
        evidence,
      );
    }
    if (fault === "future") {
      throw new SignatureExpired(`The signature is from ${seconds - now} s in the future.`, evidence);
    }
  }
}

shareClass("TimestampSigner", TimestampSigner);

function toDate(seconds: number | undefined): Date | undefined {
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The last second and its encoding, since many values are signed within one second. */
let last = { seconds: 0, text: "" };

/** Encodes seconds as base64url of their big-endian bytes without leading zeros, as itsdangerous does. */
export function encodeTimestamp(seconds: number): string {
  if (seconds !== last.seconds) {
    const hex = seconds.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
    last = { seconds, text: seconds === 0 ? "" : encodeBase64url(bytes) };
  }
  return last.text;
}

/** Decodes seconds; `undefined` if the string is not base64url or has more than 8 bytes. An empty string is 0. */
export function decodeTimestamp(text: string): number | undefined {
  const bytes = decodeBase64url(text);
  if (bytes === undefined || bytes.length > 8) return undefined;
  let seconds = 0;
  for (let index = 0; index < bytes.length; index += 1) seconds = seconds * 256 + bytes[index]!;
  return seconds;
}

/** Why a signature made at `seconds` has expired at `now` (both epoch seconds) with this `maxAge`; undefined if it has not. */
export function ageFault(signedAt: number, now: number, maxAge: number): "future" | "expired" | undefined {
  const age = now - signedAt;
  if (age < 0) return "future";
  return age <= maxAge ? undefined : "expired";
}
