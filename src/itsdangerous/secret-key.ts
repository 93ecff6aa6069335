import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ConfigError } from "../errors.ts";

/** A secret: bytes or a string, which is encoded as UTF-8 without trimming or normalization. Never empty. */
export type SecretKey = string | Uint8Array;

/**
 * Imports a list of secrets as key objects: they are checked once, cannot be logged by accident, and `createHmac` is
 * several times slower with a Buffer on some Node versions.
 *
 * @param option name of the option, for error messages
 * @throws ConfigError unless it is a list of non-empty strings or Uint8Arrays
 */
export function importSecretKeys(option: string, secrets: unknown): KeyObject[] {
  if (!Array.isArray(secrets)) {
    throw new ConfigError(`"${option}" must be a list of secrets, not ${kindOf(secrets)}.`);
  }
  return secrets.map((secret: unknown, index) => importSecretKey(`${option}[${index}]`, secret));
}

/** Imports one secret. @throws ConfigError unless it is a non-empty string or a non-empty Uint8Array */
export function importSecretKey(option: string, secret: unknown): KeyObject {
  const bytes = bytesOf(option, secret);
  if (bytes.length === 0) {
    throw new ConfigError(`"${option}" is empty; give it a long random string.`);
  }
  return createSecretKey(bytes);
}

/** The bytes of a secret. @throws ConfigError for other types, and for a string with a lone surrogate */
export function bytesOf(option: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") {
    throw new ConfigError(`"${option}" must be a string or a Uint8Array, not ${kindOf(value)}.`);
  }
  if (!value.isWellFormed()) {
    throw new ConfigError(
      `"${option}" contains a lone surrogate, which UTF-8 cannot encode; pass bytes instead.`,
    );
  }
  return Buffer.from(value, "utf8");
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}
