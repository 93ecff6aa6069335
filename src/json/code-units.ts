const SCRATCH = new Uint16Array(16_384);
const SCRATCH_BYTES = Buffer.from(SCRATCH.buffer);
const IS_BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/**
 * A text's UTF-16 code units, followed by a zero. Reading them from an array takes half the time of `charCodeAt`.
 * Valid until the next call: most texts share one array.
 */
export function codeUnits(text: string): Uint16Array {
  const isShort = text.length < SCRATCH.length;
  const units = isShort ? SCRATCH : new Uint16Array(text.length + 1);
  const bytes = isShort ? SCRATCH_BYTES : Buffer.from(units.buffer);
  bytes.write(text, "utf16le");
  if (IS_BIG_ENDIAN) bytes.swap16();
  units[text.length] = 0;
  return units;
}
