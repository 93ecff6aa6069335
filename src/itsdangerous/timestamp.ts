import { decodeBase64url, encodeBase64url } from "./base64url.ts";

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
