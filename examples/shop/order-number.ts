import { randomBytes } from "node:crypto";

/** Letters and digits that are not easily confused. */
const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/** Sixty random bits as `XXXX-XXXX-XXXX`: unique and not guessable. */
export function orderNumber(): string {
  const letters = Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`;
}
