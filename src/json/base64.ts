import { BadPayload } from "../errors.ts";

const CANONICAL = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIGN = /[A-Za-z0-9+/]/;

/** Standard base64 with padding, of exactly the bytes of a view. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Reads base64 as Python's `b64decode` does: foreign characters are skipped, data ends at complete padding.
 *
 * @throws {BadPayload} for incomplete data, which includes missing padding.
 */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(CANONICAL.test(text) ? text : canonical(text), "base64"));
}

function canonical(text: string): string {
  let signs = "";
  let padding = 0;
  for (const char of text) {
    if (SIGN.test(char)) {
      signs += char;
      padding = 0;
    } else if (char === "=" && signs.length % 4 >= 2 && (signs.length % 4) + ++padding >= 4) return signs;
  }
  if (signs.length % 4 !== 0) throw new BadPayload("The base64 text of bytes is incomplete.");
  return signs;
}
