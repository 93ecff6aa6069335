import { Buffer } from "node:buffer";
import { createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { decodeBase64url } from "../itsdangerous/encoding.ts";
import { ConfigError } from "../errors.ts";
import { bytesOf } from "../itsdangerous/secret-key.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import type { AcceptRefusal } from "./accepted-cookie.ts";
import { isRecord } from "./plain-json.ts";

/** Content encryption of RFC 7518 §5. */
export type ContentEncryption = "A256GCM" | "A256CBC-HS512";

/** How a library encrypts its tokens. */
export interface JweOptions {
  encryption: ContentEncryption;
  keys: readonly Uint8Array[];
  /** Allowed clock skew for `exp` and `nbf`, in seconds. */
  clockTolerance: number;
}

/** The claims of a token, or the reason to refuse it. */
export type Claims = { readonly claims: Record<string, unknown> } | { readonly refusal: AcceptRefusal };

/**
 * Decrypts a JWT in compact form with `alg: "dir"` (RFC 7516, RFC 7519) and checks its `exp` and `nbf`.
 *
 * The caller chooses the algorithms, never the token: its header is only authenticated data until the token is verified,
 * and must then name the same algorithms.
 */
export function openJwe(token: string, options: JweOptions, now: number): Claims {
  const { encryption, keys, clockTolerance } = options;
  const parts = token.split(".", 6);
  if (parts.length !== 5 || parts[1] !== "") return { refusal: "bad_shape" };
  const [header, , iv, ciphertext, tag] = parts.map((part) => decodeBase64url(part));
  if (!header || !iv || !ciphertext || !tag) return { refusal: "bad_shape" };
  if (iv.length !== IV_BYTES[encryption] || tag.length !== TAG_BYTES[encryption])
    return { refusal: "bad_shape" };

  const sealed: Sealed = { additionalData: Buffer.from(parts[0]!, "ascii"), iv, ciphertext, tag };
  const open = encryption === "A256GCM" ? openGcm : openCbcHmac;
  let plaintext: Buffer | undefined;
  // Not all formats tell which secret was used.
  for (const key of keys) plaintext ??= open(key, sealed);
  if (plaintext === undefined) return { refusal: "bad_signature" };

  const protectedHeader: unknown = JSON.parse(header.toString("utf8"));
  const claims: unknown = JSON.parse(plaintext.toString("utf8"));
  if (!isRecord(protectedHeader) || !isRecord(claims)) return { refusal: "bad_shape" };
  const { alg, enc, zip, crit } = protectedHeader;
  if (alg !== "dir" || enc !== encryption || zip !== undefined || crit !== undefined)
    return { refusal: "bad_shape" };

  const seconds = Math.floor(now / 1000);
  const { exp = Infinity, nbf = -Infinity } = claims;
  if (typeof exp !== "number" || typeof nbf !== "number") return { refusal: "bad_payload" };
  if (exp <= seconds - clockTolerance) return { refusal: "expired" };
  if (nbf > seconds + clockTolerance) return { refusal: "future" };
  return { claims };
}

/** Derives keys of `length` bytes from one or several secrets by HKDF-SHA-256. @throws ConfigError without a secret */
export function hkdfKeys(
  option: string,
  secrets: SecretKey | readonly SecretKey[],
  { salt, info, length }: { salt: string; info: string; length: number },
): Uint8Array[] {
  const list = (Array.isArray(secrets) ? secrets : [secrets]) as SecretKey[];
  const keys = list.map((secret) => {
    const bytes = bytesOf(option, secret);
    if (bytes.length === 0)
      throw new ConfigError(`"${option}" is empty; pass the secret of the old application.`);
    return new Uint8Array(hkdfSync("sha256", bytes, salt, info, length));
  });
  if (keys.length === 0)
    throw new ConfigError(`"${option}" is an empty list; pass the secret of the old application.`);
  return keys;
}

interface Sealed {
  readonly additionalData: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

const IV_BYTES: Record<ContentEncryption, number> = { A256GCM: 12, "A256CBC-HS512": 16 };
const TAG_BYTES: Record<ContentEncryption, number> = { A256GCM: 16, "A256CBC-HS512": 32 };

/** RFC 7518 §5.3. */
function openGcm(key: Uint8Array, { additionalData, iv, ciphertext, tag }: Sealed): Buffer | undefined {
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** RFC 7518 §5.2.2.2: the first half of the key authenticates, the second half decrypts. */
function openCbcHmac(key: Uint8Array, { additionalData, iv, ciphertext, tag }: Sealed): Buffer | undefined {
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(additionalData.length * 8));
  const mac = createHmac("sha512", key.subarray(0, 32));
  for (const part of [additionalData, iv, ciphertext, bits]) mac.update(part);
  if (!timingSafeEqual(mac.digest().subarray(0, 32), tag)) return undefined;
  const decipher = createDecipheriv("aes-256-cbc", key.subarray(32), iv);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
