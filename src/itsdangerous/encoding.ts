import { isAscii } from "node:buffer";
import { BadPayload } from "../errors.ts";

/** Base64 with the alphabet `A-Z a-z 0-9 - _` and without padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return view(bytes).toString("base64url");
}

/**
 * Decodes base64url; `undefined` unless `text` is exactly what {@link encodeBase64url} writes.
 *
 * Only the canonical encoding is accepted: other characters, padding, a length of 1 mod 4 and non-zero spare bits are
 * refused. Python's decoder accepts some of these and Node's skips invalid characters, but no encoder writes them, and a
 * signature with two encodings is malleable.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Default limit for an inflated payload: 1 MiB. */
export const DEFAULT_MAX_INFLATED_SIZE = 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Encodes a string for cookies and URLs as base64url; compressed with zlib and prefixed with "." if that is shorter.
 *
 * @param compressFrom try zlib from this many bytes on; itsdangerous uses 0, `Infinity` never compresses
 * @param compressTo and up to this many, the limit of the reader
 */
export function packPayload(text: string, compressFrom: number, compressTo = Infinity): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length >= compressFrom && bytes.length <= compressTo) {
    const compressed = zlib().deflateSync(bytes);
    if (compressed.length < bytes.length - 1) return `.${encodeBase64url(compressed)}`;
  }
  return encodeBase64url(bytes);
}

/**
 * Decodes a payload.
 *
 * @param maxInflatedSize maximum size of the inflated payload in bytes, since a few kilobytes can inflate to gigabytes
 * @throws BadPayload if it is not valid base64url, zlib or UTF-8, or inflates to more
 */
export function unpackPayload(payload: string, maxInflatedSize: number): string {
  const compressed = payload.startsWith(".");
  const bytes = decodeBase64url(compressed ? payload.slice(1) : payload);
  if (bytes === undefined) throw new BadPayload("The payload is not base64url.");
  return decodeText(compressed ? inflate(bytes, maxInflatedSize) : bytes);
}

/** Bytes after the end of the zlib stream are ignored, as Python ignores them. */
function inflate(bytes: Buffer, maxOutputLength: number): Buffer {
  try {
    return zlib().inflateSync(bytes, { maxOutputLength });
  } catch (cause) {
    throw new BadPayload(`The payload cannot be decompressed within ${maxOutputLength} bytes.`, { cause });
  }
}

function decodeText(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1");
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new BadPayload("The payload is not UTF-8.", { cause });
  }
}

/**
 * node:zlib, loaded at the first compressed payload: importing it takes a third as long as all other modules together, and
 * most cookies are not compressed.
 */
export function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}
