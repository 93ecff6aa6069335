import { ConfigError } from "../errors.ts";
import { bytesOf } from "../itsdangerous/secret-key.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";

/** Minimum length in bytes of a secret from which encryption keys are derived. */
const MIN_BYTES = 32;
/** A repeated secret has no more entropy than one repetition. */
const MIN_PERIOD = 16;
/** Well below the 100 bits that this estimates for 16 random bytes in hex, the weakest reasonable secret. */
const MIN_BITS = 72;

/**
 * Checks a secret from which encryption keys are derived, and returns its bytes.
 *
 * A check of bytes cannot prove that a secret is random. It detects placeholders: short strings, one word repeated,
 * sequences such as `0123456789abcdef`.
 *
 * @param option name of the option, for error messages
 * @throws ConfigError for a secret that is short, repetitive or obviously not random
 */
export function rootSecret(option: string, secret: SecretKey): Uint8Array {
  const bytes = bytesOf(option, secret);
  const weakness = weaknessOf(bytes);
  if (weakness === undefined) return bytes;
  throw new ConfigError(
    `"${option}" ${weakness}; give it at least ${MIN_BYTES} random bytes, for example from \`npx hipflask keygen\`.`,
  );
}

function weaknessOf(bytes: Uint8Array): string | undefined {
  if (bytes.length < MIN_BYTES) return `has ${bytes.length} bytes`;
  if (period(bytes) < MIN_PERIOD) return "repeats one short string";
  const steps = bytes.slice(1).map((byte, i) => byte - bytes[i]!);
  if (Math.min(estimatedBits(bytes), estimatedBits(steps)) < MIN_BITS) return "is far from random";
  return undefined;
}

/** Length of the shortest prefix whose repetition gives the whole. */
function period(bytes: Uint8Array): number {
  let length = 1;
  while (!bytes.subarray(length).every((byte, i) => byte === bytes[i])) length += 1;
  return length;
}

/** Shannon entropy of the bytes, times their number. */
function estimatedBits(bytes: Uint8Array): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits += count * Math.log2(bytes.length / count);
  return bits;
}
