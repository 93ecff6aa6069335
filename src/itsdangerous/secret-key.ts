import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ConfigError } from "../errors.ts";

/** A secret: text (taken as UTF-8, untrimmed and not normalised) or bytes. Never empty. */
export type SecretKey = string | Uint8Array;

/**
 * Imports a list of secrets, so that they are checked once, cannot be printed by accident and are cheap to use:
 * `createHmac` is several times slower with a Buffer key on some Node versions.
 *
 * @param option what the user calls this option, for the message
 * @throws ConfigError unless it is a list of non-empty texts or bytes
 */
export function importSecretKeys(option: string, secrets: unknown): KeyObject[] {
  if (!Array.isArray(secrets)) {
    throw new ConfigError(`"${option}" must be a list of secrets, not ${kindOf(secrets)}.`);
  }
  return secrets.map((secret: unknown, index) => importSecretKey(`${option}[${index}]`, secret));
}

/** Imports one secret. @throws ConfigError unless it is a non-empty text or bytes */
export function importSecretKey(option: string, secret: unknown): KeyObject {
  const bytes = bytesOf(option, secret);
  if (bytes.length === 0) {
    throw new ConfigError(`"${option}" is empty; give it a long random text.`);
  }
  return createSecretKey(bytes);
}

/** The bytes of a text or of bytes. @throws ConfigError for anything else, or for a text that has no UTF-8 form */
export function bytesOf(option: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") {
    throw new ConfigError(`"${option}" must be a string or a Uint8Array, not ${kindOf(value)}.`);
  }
  if (!value.isWellFormed()) {
    throw new ConfigError(
      `"${option}" holds half of a surrogate pair and has no UTF-8 form; pass bytes instead.`,
    );
  }
  return Buffer.from(value, "utf8");
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}
