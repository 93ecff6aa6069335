import { decodeBase64url, encodeBase64url } from "../base64url.ts";

/** Seconds as the base64url of their big-endian bytes without leading zeros, as itsdangerous writes them. */
export function encodeTimestamp(seconds: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(seconds));
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? "" : encodeBase64url(bytes.subarray(first));
}

/** The seconds a text stands for; `undefined` if it is no base64url or longer than 8 bytes. Empty is 0. */
export function decodeTimestamp(text: string): number | undefined {
  const bytes = decodeBase64url(text);
  if (bytes === undefined || bytes.length > 8) return undefined;
  let seconds = 0;
  for (const byte of bytes) seconds = seconds * 256 + byte;
  return seconds;
}
