import type { CookieGrammar } from "../http/cookie.ts";
import type { Fields } from "../json/fields.ts";

/** Why a cookie was refused. The first six words are those of the test vectors. */
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

/** The moment and the place a cookie text is read or written in. */
export interface CodecContext {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Oldest acceptable age in whole seconds. Flask: `PERMANENT_SESSION_LIFETIME`, for every session. */
  readonly maxAge: number;
  /** The cookie's name; formats that authenticate it refuse a text moved to another name. */
  readonly cookieName: string;
}

/** What a codec makes of a cookie text. */
export type Decoded =
  | {
      readonly ok: true;
      readonly fields: Fields;
      /** Epoch seconds, where the format says. */ readonly signedAt?: number;
    }
  | {
      readonly ok: false;
      readonly reason: RefusalReason;
      /** For logs; holds no secret and no session data. */ readonly detail?: string;
    };

/**
 * One text format of a session cookie: session data ⇄ tamper-proof text.
 *
 * Promises every codec keeps:
 * - `decode` never throws and never hangs, whatever the text; it authenticates before it looks at anything inside.
 * - `decode(encode(fields))` gives equal fields, text for text.
 * - Both are synchronous, so that a cookie can be written in the very moment headers are sent.
 */
export interface Codec {
  /** The word used in options, events and the inspector, such as `"flask"`. */
  readonly name: string;
  /**
   * How the other program that has this format finds its cookie in a request. Default `"strict"`, for a format that only
   * we write: of all cookies of the name, the newest that is valid.
   */
  readonly grammar?: CookieGrammar;
  decode(text: string, context: CodecContext): Decoded;
  encode(fields: Fields, context: CodecContext): string;
  /**
   * A cheap guess at whether the session in `text` has the key, without verifying anything: false only if it surely
   * has not, true when in doubt. Saves opening a cookie whose session was not accessed.
   */
  mayHold(text: string, key: string): boolean;
}
