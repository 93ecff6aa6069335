import { checkNames } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { BadSignature, BadTimeSignature, ConfigError, SignatureExpired } from "../errors.ts";
import type { SecretKey } from "./secret-key.ts";
import { Signer, type SignerOptions, splitLast } from "./signer.ts";
import { decodeBase64url, encodeBase64url } from "./encoding.ts";

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

const UNSIGN_OPTIONS = ["maxAge", "returnTimestamp"];
const MISMATCH = "The signature does not match.";

/** A signed text in its parts, and what is wrong with it. */
export interface TimedText {
  /** The text without time and signature; with a wrong signature, all before it, **not** verified. */
  readonly value: string;
  /** Epoch seconds; undefined if the time is missing or unreadable. */
  readonly signedAt: number | undefined;
  readonly fault: "unsigned" | "signature" | "no-time" | "time" | undefined;
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

  /**
   * The text with the time and the signature of both attached.
   *
   * @param timestamp epoch seconds. Default: the time of the clock
   */
  override sign(value: string, timestamp = this.getTimestamp()): string {
    if (!Number.isSafeInteger(timestamp) || timestamp < 0)
      throw new ConfigError(
        "The timestamp of a signature must be a whole number of seconds, as Math.floor(Date.now() / 1000) is.",
      );
    return super.sign(`${value}${this.sep}${encodeTimestamp(timestamp)}`);
  }

  /** Splits and verifies a signed text, of any age. What `unsign` throws is a `fault` here: forged texts cost no error. */
  parse(signed: string): TimedText {
    const parts = splitLast(signed, this.sep);
    if (parts === undefined) return { value: "", signedAt: undefined, fault: "unsigned" };
    if (!this.verifySignature(...parts)) return { value: parts[0], signedAt: undefined, fault: "signature" };
    return this.#parseTimed(parts[0]);
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
  override unsign(signed: string, options: UnsignOptions = {}) {
    checkNames("unsign", options, UNSIGN_OPTIONS);
    const { maxAge, returnTimestamp = false } = options;
    const parsed = this.parse(signed);
    if (parsed.fault === "unsigned") throw new BadSignature(`No "${this.sep}" found in the signed text.`);
    const isWrong = parsed.fault === "signature";
    const { value: payload, signedAt, fault } = isWrong ? this.#parseTimed(parsed.value) : parsed;
    // As in Python: what has neither is not said to have a bad time.
    if (isWrong && fault === "no-time") throw new BadSignature(MISMATCH, { payload });
    if (fault === "no-time") throw new BadTimeSignature("The timestamp is missing.", { payload });
    const dateSigned = toDate(signedAt);
    // The error tells what was claimed.
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

/** The last second written and its text: many signatures are made within one second. */
let last = { seconds: 0, text: "" };

/** Seconds as the base64url of their big-endian bytes without leading zeros, as itsdangerous writes them. */
export function encodeTimestamp(seconds: number): string {
  if (seconds !== last.seconds) {
    const hex = seconds.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
    last = { seconds, text: seconds === 0 ? "" : encodeBase64url(bytes) };
  }
  return last.text;
}

/** The seconds a text stands for; `undefined` if it is not base64url or longer than 8 bytes. Empty is 0. */
export function decodeTimestamp(text: string): number | undefined {
  const bytes = decodeBase64url(text);
  if (bytes === undefined || bytes.length > 8) return undefined;
  let seconds = 0;
  for (let index = 0; index < bytes.length; index += 1) seconds = seconds * 256 + bytes[index]!;
  return seconds;
}

/** Why a signature of that time (epoch seconds) is not good at `now` (epoch seconds) for `maxAge` seconds; undefined: it is. */
export function ageFault(signedAt: number, now: number, maxAge: number): "future" | "expired" | undefined {
  const age = now - signedAt;
  if (age < 0) return "future";
  return age <= maxAge ? undefined : "expired";
}
