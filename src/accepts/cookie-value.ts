import { Buffer } from "node:buffer";
import { createHmac, getHashes, type KeyObject, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../errors.ts";
import { importSecretKey, importSecretKeys, type SecretKey } from "../itsdangerous/secret-key.ts";

/** How Node's libraries write a value into a cookie: percent-encoded, and signed by HMAC. */

/** The encoding of signatures. */
export type MacEncoding = "base64" | "base64 unpadded" | "base64url" | "hex";

/** Signs and verifies by HMAC with one of several keys. */
export interface Mac {
  /** Appends "." and the signature by the first key. */
  sign(text: string): string;
  /** Whether one of the keys verifies a signature, in the library's exact encoding. */
  verify(text: string, signature: string): boolean;
  /** The string before the last ".", if the rest is its signature. */
  unsign(signed: string): string | undefined;
}

/**
 * @param option name of the option, for error messages
 * @param secrets one secret, or several, any of which may have signed
 * @throws ConfigError without a secret, or for a hash that Node does not support
 */
export function mac(
  option: string,
  secrets: SecretKey | readonly SecretKey[],
  { digest = "sha256", encoding = "base64 unpadded" }: { digest?: string; encoding?: MacEncoding } = {},
): Mac {
  const keys = Array.isArray(secrets)
    ? importSecretKeys(option, secrets)
    : [importSecretKey(option, secrets as SecretKey)];
  if (keys.length === 0)
    throw new ConfigError(`"${option}" is an empty list; pass the secrets of the old application.`);
  if (!getHashes().includes(digest.toLowerCase()))
    throw new ConfigError(`"${digest}" is not a hash that Node supports.`);

  function verify(text: string, signature: string): boolean {
    const given = Buffer.from(signature);
    return keys.some((key) => {
      const expected = Buffer.from(signatureOf(key, text));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  }

  function signatureOf(key: KeyObject, text: string): string {
    const hmac = createHmac(digest, key).update(text, "utf8");
    return encoding === "base64 unpadded" ? hmac.digest("base64").replaceAll("=", "") : hmac.digest(encoding);
  }

  return {
    sign: (text) => `${text}.${signatureOf(keys[0]!, text)}`,
    verify,
    unsign(signed) {
      const dot = signed.lastIndexOf(".");
      if (dot < 0) return undefined;
      const text = signed.slice(0, dot);
      return verify(text, signed.slice(dot + 1)) ? text : undefined;
    },
  };
}

/** Decodes a value of `encodeURIComponent`; `undefined` if it is malformed. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Verifies a percent-decoded value in Express' format: "s:", the string, ".", and its HMAC-SHA256 in base64 without
 * padding.
 */
export function unsignExpressValue(
  value: string | undefined,
  signature: Mac,
): { text: string } | "bad_shape" | "bad_signature" {
  if (!value?.startsWith("s:")) return "bad_shape";
  const text = signature.unsign(value.slice(2));
  return text === undefined ? "bad_signature" : { text };
}

/** Signs a value in the same format, without percent-encoding it. */
export function signExpressValue(text: string, signature: Mac): string {
  return `s:${signature.sign(text)}`;
}
