import { Buffer } from "node:buffer";
import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { decodeBase64url } from "../itsdangerous/encoding.ts";
import { ConfigError } from "../errors.ts";
import { bytesOf } from "../itsdangerous/secret-key.ts";
import type { AcceptRefusal } from "./accepted-cookie.ts";

/** Passwords by their id in a seal; the id is `""` if the library supports only one password. */
export type Fe26Passwords = ReadonlyMap<string, Uint8Array>;

/** The parameters of a library. */
export interface Fe26Options {
  passwords: Fe26Passwords;
  /** Possible numbers of PBKDF2 iterations, lowest first. */
  iterations: readonly number[];
}

/** The content of a seal, or the reason to refuse it. */
export type Unsealed = { readonly text: string } | { readonly refusal: AcceptRefusal };

/** Milliseconds for which a seal is accepted after its expiry, as in @hapi/iron and iron-webcrypto. */
const CLOCK_SKEW = 60_000;
const SALT = /^[0-9a-f]{64}$/;
const EXPIRY = /^\d{0,15}$/;

/**
 * Opens a seal of @hapi/iron and iron-webcrypto, format `Fe26.2`:
 * `Fe26.2*<password id>*<salt>*<iv>*<ciphertext>*<expiry in ms or empty>*<salt>*<hmac>`.
 *
 * AES-256-CBC, then HMAC-SHA-256 over everything before the last two parts; both keys are derived by PBKDF2-HMAC-SHA1 from
 * the password and the salt's hex digits. The seal is authenticated before anything in it is used, including its expiry.
 */
export function unsealFe26(seal: string, { passwords, iterations }: Fe26Options, now: number): Unsealed {
  const parts = seal.split("*", 9);
  const [prefix, passwordId, salt, ivText, ciphertextText, expiry, macSalt, macText] = parts as (
    | string
    | undefined
  )[];
  if (parts.length !== 8 || prefix !== "Fe26.2") return { refusal: "bad_shape" };
  if (!SALT.test(salt!) || !SALT.test(macSalt!) || !EXPIRY.test(expiry!)) return { refusal: "bad_shape" };
  const iv = decodeBase64url(ivText!);
  const ciphertext = decodeBase64url(ciphertextText!);
  const mac = decodeBase64url(macText!);
  if (iv?.length !== 16 || ciphertext === undefined || mac?.length !== 32) return { refusal: "bad_shape" };

  const password = passwords.get(passwordId!);
  if (password === undefined) return { refusal: "unknown_key" };
  const signed = parts.slice(0, 6).join("*");
  const rounds = iterations.find((count) => {
    const expected = createHmac("sha256", deriveKey(password, macSalt!, count))
      .update(signed)
      .digest();
    return timingSafeEqual(expected, mac);
  });
  if (rounds === undefined) return { refusal: "bad_signature" };
  if (expiry !== "" && Number(expiry) <= now - CLOCK_SKEW) return { refusal: "expired" };

  const decipher = createDecipheriv("aes-256-cbc", deriveKey(password, salt!, rounds), iv);
  return { text: Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8") };
}

function deriveKey(password: Uint8Array, salt: string, iterations: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, 32, "sha1");
}

/** One password. @throws ConfigError unless it is a non-empty string or a non-empty Uint8Array */
export function passwordBytes(option: string, password: string): Uint8Array {
  const bytes = bytesOf(option, password);
  if (bytes.length === 0)
    throw new ConfigError(`"${option}" is empty; pass the password of the old application.`);
  return bytes;
}
