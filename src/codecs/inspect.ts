import { BadPayload } from "../errors.ts";
import { DEFAULT_MAX_INFLATED_SIZE, unpackPayload } from "../itsdangerous/encoding.ts";
import { decodeTimestamp } from "../itsdangerous/timestamp-signer.ts";

/** The parts of a cookie in Flask's format, which anyone who has the cookie can read. Nothing is verified. */
export interface InspectedCookie {
  /** The encoded data: base64url, prefixed with "." if it is compressed. */
  readonly payload: string;
  /** The encoded time; empty if the cookie has no such part. */
  readonly timestamp: string;
  /** The encoded signature; empty if the cookie has no such part. */
  readonly signature: string;
  readonly isCompressed: boolean;
  /** The tagged JSON inside the payload; `undefined` if it cannot be decoded, and `problem` says why. */
  readonly json: string | undefined;
  /** The decoded timestamp; `undefined` if it is not a valid date. */
  readonly signedAt: Date | undefined;
  /** Why there is no `json`. */
  readonly problem: string | undefined;
}

/**
 * Parses the value of a Flask session cookie without a key, for inspection only: forged cookies are parsed as well. Never
 * throws, and inflates at most 1 MiB.
 *
 * @example
 * ```ts
 * import { inspectCookie } from "hipflask";
 *
 * const cookie = inspectCookie("eyJ1c2VybmFtZSI6ImFkYSJ9.ZVPvAA.MCw4yEpmT9yzZsGbRTwuZ3HmXyM");
 * console.log(cookie.json, cookie.signedAt?.getUTCFullYear()); // {"username":"ada"} 2023
 * ```
 */
export function inspectCookie(value: string): InspectedCookie {
  const [timed, signature] = splitLast(value);
  const [payload, timestamp] = splitLast(timed);
  return {
    payload,
    timestamp,
    signature,
    isCompressed: payload.startsWith("."),
    signedAt: dateOf(timestamp),
    ...unpack(payload),
  };
}

/** A compressed payload begins with a dot, which is not a separator. */
function splitLast(text: string): [before: string, after: string] {
  const dot = text.lastIndexOf(".");
  return dot < 1 ? [text, ""] : [text.slice(0, dot), text.slice(dot + 1)];
}

function unpack(payload: string): Pick<InspectedCookie, "json" | "problem"> {
  try {
    return { json: unpackPayload(payload, DEFAULT_MAX_INFLATED_SIZE), problem: undefined };
  } catch (error) {
    if (!(error instanceof BadPayload)) throw error;
    return { json: undefined, problem: error.message };
  }
}

function dateOf(timestamp: string): Date | undefined {
  const seconds = timestamp === "" ? undefined : decodeTimestamp(timestamp);
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
