// How Python's `json` writes numbers, strings, and the order of keys.

/** Python's `repr` of a float: JavaScript's shortest digits in Python's layout (flask-session §2.3). */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "Infinity" : "-Infinity";
  if (size === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (size >= 1e-4 && size < 1e16) {
    const text = String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** Whether a plain number is a Python int. All others are floats. */
export function isInt(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** The JSON token of a plain number: an int if it is an exact integer, a float otherwise. */
export function formatNumber(value: number): string {
  return isInt(value) ? String(value) : formatFloat(value);
}

const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A JSON string in ASCII, with lower-case escapes, as Python writes it by default. */
export function quoteAscii(text: string): string {
  return NEEDS_NO_ESCAPE.test(text) ? `"${text}"` : escapeBeyondAscii(JSON.stringify(text));
}

/** A JSON string with non-ASCII characters unescaped, except for lone surrogates, which UTF-8 cannot encode. */
export function quoteUnicode(text: string): string {
  return JSON.stringify(text);
}

function escapeBeyondAscii(json: string): string {
  let escaped = "";
  let written = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit < 0x7f) continue;
    escaped += `${json.slice(written, at)}\\u${HEX[unit >> 8]}${HEX[unit & 0xff]}`;
    written = at + 1;
  }
  return escaped + json.slice(written);
}

/** Orders strings by Unicode code point, as Python does; `<` orders by UTF-16 unit, which puts U+1F600 before U+FFEE. */
export function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === shorter) return a.length - b.length;
  // The first difference may be the second half of a surrogate pair.
  const start = at > 0 && isHighSurrogate(a.charCodeAt(at - 1)) ? at - 1 : at;
  const difference = (a.codePointAt(start) as number) - (b.codePointAt(start) as number);
  return difference !== 0 ? difference : (a.codePointAt(at) as number) - (b.codePointAt(at) as number);
}

/** Sorts in place, by code point. */
export function sortKeys(keys: string[]): void {
  if (keys.length > FEW) keys.sort(byCodePoint);
  else insertionSort(keys);
}

/** Up to this length, and most objects are shorter, insertion sort takes a quarter of the time of `sort`. */
const FEW = 16;

function insertionSort(keys: string[]): void {
  for (let next = 1; next < keys.length; next++) {
    const key = keys[next] as string;
    let place = next;
    for (; place > 0 && isAfter(keys[place - 1] as string, key); place--)
      keys[place] = keys[place - 1] as string;
    keys[place] = key;
  }
}

/** `byCodePoint(a, b) > 0`, fast if the first characters differ. */
function isAfter(a: string, b: string): boolean {
  const first = a.charCodeAt(0);
  const other = b.charCodeAt(0);
  const isPlain = first < 0xd800 && other < 0xd800; // neither a surrogate nor, for NaN, the end of an empty string
  return isPlain && first !== other ? first > other : byCodePoint(a, b) > 0;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
