import { isAscii } from "node:buffer";
import { decodeBase64url, encodeBase64url } from "./base64url.ts";
import { BadPayload } from "../errors.ts";
import { zlib } from "./zlib.ts";

/** Largest text a compressed payload may inflate to unless told otherwise: 1 MiB. */
export const DEFAULT_MAX_INFLATED_SIZE = 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A text made safe for cookies and URLs: base64url, of the zlib form with a "." in front if that is shorter.
 *
 * @param compressFrom try zlib from this many bytes on; itsdangerous' rule is 0, `Infinity` is never
 */
export function packPayload(text: string, compressFrom: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length >= compressFrom) {
    const compressed = zlib().deflateSync(bytes);
    if (compressed.length < bytes.length - 1) return `.${encodeBase64url(compressed)}`;
  }
  return encodeBase64url(bytes);
}

/**
 * The text inside a payload.
 *
 * @param maxInflatedSize most bytes a compressed payload may inflate to; a small one can claim gigabytes
 * @throws BadPayload if it is not base64url, zlib or UTF-8, or too big when inflated
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
