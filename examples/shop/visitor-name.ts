/** Most characters of a name, as people count them. */
export const MAX_NAME = 40;

/** A name fit to be shown: trimmed, one line, without invisible tricks. `undefined` if nothing is left or too much. */
export function cleanName(raw: unknown): string | undefined {
  if (typeof raw !== "string") return undefined;
  const name = raw
    .normalize("NFC")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    // Marks that turn the direction of the text around them.
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
  return name === "" || [...name].length > MAX_NAME ? undefined : name;
}
