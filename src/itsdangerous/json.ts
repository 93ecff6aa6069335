import { UnserializableError } from "../errors.ts";

/** Turns values into text and back. What `loads` throws counts as a bad payload. */
export interface PayloadSerializer {
  dumps(value: unknown): string;
  loads(text: string): unknown;
}

/**
 * JSON spelled as `json.dumps` of Python spells it: a space after commas and colons, ASCII only.
 *
 * Like every JSON of JavaScript it keeps no difference between `1.0` and `1`, and knows neither `NaN` nor ints of any
 * size; the same goes for {@link compactJSON}.
 */
export const pythonJSON: PayloadSerializer = {
  dumps(value) {
    // No raw line end occurs inside a JSON string, so every one of them is layout.
    const spaced = stringify(value, 1).replaceAll(/,\n */g, ", ").replaceAll(/\n */g, "");
    return spaced.replaceAll(/[\u007f-\uffff]/g, escape);
  },
  loads: JSON.parse,
};

/** JSON without spaces and with letters of all languages as they are: what the URL-safe serializers of Python use. */
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
