import type { CookieGrammar } from "../http/cookie.ts";
import type { Fields } from "../json/fields.ts";

/** Why a cookie was refused. The test vectors use the first six. */
export type RefusalReason =
  | "bad_signature"
  | "bad_timestamp"
  | "expired"
  | "future"
  | "bad_payload"
  | "bad_shape"
  | "too_long"
  | "unknown_key"
  // Genuine, and not what the option `schema` asks for.
  | "schema"
  // The rest is about the tokens of stored sessions.
  | "malformed"
  | "unknown"
  | "undecodable"
  /** A record in Python's pickle format, which can run any code: it is never read. */
  | "pickle"
  | "ambiguous";

/** The time, and the cookie, for which a value is decoded or encoded. */
export interface CodecContext {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Maximum age in whole seconds. Flask: `PERMANENT_SESSION_LIFETIME`, for every session. */
  readonly maxAge: number;
  /** The cookie's name; formats that authenticate it refuse the value under another name. */
  readonly cookieName: string;
}

/** The result of decoding a cookie value. */
export type Decoded =
  | {
      readonly ok: true;
      readonly fields: Fields;
      /** Epoch seconds, if the format contains the time. */ readonly signedAt?: number;
    }
  | {
      readonly ok: false;
      readonly reason: RefusalReason;
      /** For logs; contains no secret and no session data. */ readonly detail?: string;
    };

/**
 * A format of session cookies: encodes session data as a tamper-proof string and decodes it.
 *
 * Requirements for every codec:
 * - `decode` never throws and never hangs, for any string; it authenticates a value before it parses it.
 * - `decode(encode(fields))` returns equal fields, string for string.
 * - Both are synchronous, so that a cookie can be written when the headers are sent.
 */
export interface Codec {
  /** The name used in options, events and the inspector, such as `"flask"`. */
  readonly name: string;
  /**
   * How the other program that uses this format selects its cookie in a request. Default `"strict"`, for a format that only
   * hipflask writes: of all cookies with the name, the newest valid one.
   */
  readonly grammar?: CookieGrammar;
  decode(text: string, context: CodecContext): Decoded;
  encode(fields: Fields, context: CodecContext): string;
  /**
   * Guesses whether the session in `text` has the key, without verifying anything: false only if it certainly does not,
   * true otherwise. Avoids opening a cookie whose session was not accessed.
   */
  mayHold(text: string, key: string): boolean;
}
