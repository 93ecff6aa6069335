import { ConfigError } from "../errors.ts";
import { bytesOf } from "../itsdangerous/secret-key.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";

/** Fewest bytes of a secret from which encryption keys are derived. */
const MIN_BYTES = 32;
/** A secret that only repeats itself holds no more than its first round. */
const MIN_PERIOD = 16;
/** Well below the 100 bits this estimate gives for 16 random bytes written in hex, the leanest honest secret. */
const MIN_BITS = 72;

/**
 * The bytes of a secret that is fit to derive encryption keys from.
 *
 * A check of bytes cannot prove that a secret is random. It catches what people type while trying things out: short
 * texts, one word over and over, runs such as `0123456789abcdef`.
 *
 * @param option what the user calls this option, for the message
 * @throws ConfigError for a secret that is short, repeats itself or is of obviously low entropy
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
  if (period(bytes) < MIN_PERIOD) return "repeats one short text";
  const steps = bytes.slice(1).map((byte, i) => byte - bytes[i]!);
  if (Math.min(estimatedBits(bytes), estimatedBits(steps)) < MIN_BITS) return "is far from random";
  return undefined;
}

/** Length of the shortest start that, repeated and cut, gives the whole. */
function period(bytes: Uint8Array): number {
  let length = 1;
  while (!bytes.subarray(length).every((byte, i) => byte === bytes[i])) length += 1;
  return length;
}

/** Shannon's entropy of the bytes as they occur here, times their number. */
function estimatedBits(bytes: Uint8Array): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits += count * Math.log2(bytes.length / count);
  return bits;
}
