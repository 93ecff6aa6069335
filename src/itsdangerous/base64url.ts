/** Base64 with the alphabet `A-Z a-z 0-9 - _` and without padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return view(bytes).toString("base64url");
}

/**
 * The bytes `text` stands for, or `undefined` unless it is exactly what {@link encodeBase64url} writes.
 *
 * Every byte string has one spelling: foreign characters, padding, a length of 1 mod 4 and non-zero spare bits are all
 * refused. Python's decoder takes some of these and Node's takes nearly anything (it skips junk), but no writer mints
 * them, and a signature that can be spelled in two ways is one that can be changed.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
