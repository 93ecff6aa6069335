import type { Digest } from "../itsdangerous/signer.ts";
import { UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** Options of the commands that sign or verify. */
export const SIGNING = {
  salt: { type: "string" },
  digest: { type: "string" },
} as const;

/** The secret, only from the environment: other users can see arguments, and shells store them in histories. */
export function secretKeyOf({ env }: Terminal): string | undefined {
  return env.SECRET_KEY || undefined;
}

/** Converts {@link SIGNING} options to codec options. */
export function signingOf({ salt, digest }: { salt?: string | undefined; digest?: string | undefined }) {
  return { ...(salt !== undefined && { salt }), ...(digest !== undefined && { digest: toDigest(digest) }) };
}

function toDigest(word: string): Digest {
  const digest = DIGESTS.find((known) => known === word);
  if (digest === undefined) throw new UsageError(`--digest is one of ${DIGESTS.join(", ")}.`);
  return digest;
}

const DIGESTS: readonly Digest[] = ["sha1", "sha256", "sha384", "sha512"];
