import type { Mac } from "./mac.ts";

/**
 * The text in a value that Express' world signs, percent-decoded: "s:", the text, ".", and its HMAC-SHA256 in base64
 * without padding.
 */
export function unsignExpressValue(
  value: string | undefined,
  signature: Mac,
): { text: string } | "bad_shape" | "bad_signature" {
  if (!value?.startsWith("s:")) return "bad_shape";
  const text = signature.unsign(value.slice(2));
  return text === undefined ? "bad_signature" : { text };
}

/** The other direction, not percent-encoded yet. */
export function signExpressValue(text: string, signature: Mac): string {
  return `s:${signature.sign(text)}`;
}
