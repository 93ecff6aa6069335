import { UnserializableError } from "../errors.ts";

/** Serializes and parses values. If `loads` throws, the payload is bad. */
export interface PayloadSerializer {
  dumps(value: unknown): string;
  loads(text: string): unknown;
}

/**
 * Writes JSON as Python's `json.dumps` does: a space after commas and colons, ASCII only.
 *
 * Like JavaScript's `JSON`, it does not distinguish `1.0` from `1` and supports neither `NaN` nor big ints. The same
 * applies to {@link compactJSON}.
 */
export const pythonJSON: PayloadSerializer = {
  dumps(value) {
    // No raw line end occurs inside a JSON string, so every one of them is layout.
    const spaced = stringify(value, 1).replaceAll(/,\n */g, ", ").replaceAll(/\n */g, "");
    return spaced.replaceAll(/[\u007f-\uffff]/g, escape);
  },
  loads: JSON.parse,
};

/** JSON without spaces and with non-ASCII characters unescaped, as Python's URL-safe serializers write it. */
export const compactJSON: PayloadSerializer = { dumps: stringify, loads: JSON.parse };

function stringify(value: unknown, indent?: number): string {
  const text: string | undefined = JSON.stringify(value, null, indent);
  if (text === undefined)
    throw new UnserializableError(`A ${typeof value} has no JSON form and cannot be signed.`);
  return text;
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
