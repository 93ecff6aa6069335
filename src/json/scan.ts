import { BadPayload, UnserializableError } from "../errors.ts";

/** The limits of a JSON text. */
export interface Limits {
  /** Nesting depth of arrays and objects. */
  readonly maxDepth: number;
  /** Object keys in the whole text. */
  readonly maxKeys: number;
}

/** Why `JSON.parse` would not return the right value for a valid text, as bits. */
export type Oddities = number;
/** `JSON.parse` returns exactly what Python reads. */
export const PLAIN = 0;
/** A number that needs care: a float with an integral or no finite value, `-0`, an int beyond 2^53. */
export const NUMBERS = 1;
/** An object whose first key may be a tag. */
export const TAGS = 2;

/** CPython's limit for the digits of an int. */
export const MAX_DIGITS = 4300;

/** A top-level object cut into its fields. */
export interface ScannedFields {
  /** Each key with the JSON text of its value, trimmed. A repeated key has the last value, at the position of the first. */
  readonly fields: Map<string, string>;
  /** Keys of values that may hold tags. */
  readonly tagged: Set<string> | undefined;
}

/**
 * Checks in one pass that a text is JSON as Python's `json` accepts it, and within the limits. That is RFC 8259 with
 * `NaN`, `Infinity` and `-Infinity`, and without ints of more than 4300 digits.
 *
 * @throws {BadPayload}
 */
export function scan(text: string, limits: Limits): Oddities {
  const scanner = new Scanner(text, limits);
  scanner.document();
  return scanner.oddities;
}

/**
 * Like {@link scan}, and splits a top-level object into its fields.
 *
 * @returns the bits instead, if the text is not an object.
 * @throws {BadPayload}
 */
export function scanFields(text: string, limits: Limits): ScannedFields | Oddities {
  const scanner = new Scanner(text, limits);
  return scanner.fields() ?? scanner.oddities;
}

/**
 * Checks that a text is not over the limit of keys; each value in it is within the limits already.
 *
 * @throws UnserializableError
 */
export function checkKeys(text: string, limits: Limits): void {
  const fewestChars = '"":0,'.length;
  if (text.length < limits.maxKeys * fewestChars) return;
  try {
    scan(text, limits);
  } catch (error) {
    throw new UnserializableError(`A session has more than ${limits.maxKeys} keys.`, "", { cause: error });
  }
}

// Constants of this file cost nothing; imported ones would be looked up for each character.
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_I = 0x49;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_A = 0x61;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LOWER_CASE = 0x20; // the bit that makes a letter lower-case
const ESCAPABLE = new Set(Array.from('"\\/bfnrt', (char) => char.charCodeAt(0)));

const WORDS: ReadonlyMap<number, string> = new Map(
  ["true", "false", "null", "NaN", "Infinity", "-Infinity"].map((word) => [word.charCodeAt(0), word]),
);
const INT = /^-?\d+$/;

class Scanner {
  oddities: Oddities = PLAIN;
  readonly #text: string;
  /** The text as code units, followed by a zero: no valid token contains one, so no loop needs the length. */
  readonly #units: Uint16Array;
  readonly #maxDepth: number;
  #at = 0;
  #keysLeft: number;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#units = codeUnits(text);
    this.#maxDepth = limits.maxDepth;
    this.#keysLeft = limits.maxKeys;
  }

  document(): void {
    this.#token();
    this.#value(0);
    this.#end();
  }

  fields(): ScannedFields | undefined {
    if (this.#token() !== OPEN_BRACE) {
      this.document();
      return undefined;
    }
    const text = this.#text;
    const fields = new Map<string, string>();
    let tagged: Set<string> | undefined;
    if (this.#enter(1, CLOSE_BRACE)) {
      do {
        const key = this.#key();
        const start = this.#at;
        this.oddities = PLAIN;
        this.#value(1);
        fields.set(key, text.slice(start, this.#at));
        if (this.oddities & TAGS) (tagged ??= new Set()).add(key);
      } while (this.#another(CLOSE_BRACE));
    }
    this.#end();
    return { fields, tagged };
  }

  /** Scans the key of a field and the colon. Returns the key, unescaped. */
  #key(): string {
    const start = this.#at;
    this.#string();
    const end = this.#at;
    this.#colon();
    const key = this.#text.slice(start + 1, end - 1);
    return key.includes("\\") ? (JSON.parse(this.#text.slice(start, end)) as string) : key;
  }

  /** Skips white space and returns the next character. */
  #token(): number {
    const units = this.#units;
    let char = units[this.#at] as number;
    while (char === SPACE || char === LINE_FEED || char === CARRIAGE_RETURN || char === TAB)
      char = units[++this.#at] as number;
    return char;
  }

  #value(depth: number): void {
    const char = this.#units[this.#at] as number;
    if (char === QUOTE) this.#string();
    else if (char === OPEN_BRACE) this.#object(depth + 1);
    else if (char === OPEN_BRACKET) this.#array(depth + 1);
    else if (char === MINUS || (char >= ZERO && char <= NINE)) this.#number();
    else this.#word();
  }

  #object(depth: number): void {
    if (!this.#enter(depth, CLOSE_BRACE)) return;
    const first = this.#units[this.#at + 1];
    if (first === SPACE || (first === BACKSLASH && this.#text.startsWith("\\u0020", this.#at + 1))) {
      this.oddities |= TAGS;
    }
    do {
      this.#string();
      this.#colon();
      this.#value(depth);
    } while (this.#another(CLOSE_BRACE));
  }

  #array(depth: number): void {
    if (!this.#enter(depth, CLOSE_BRACKET)) return;
    do this.#value(depth);
    while (this.#another(CLOSE_BRACKET));
  }

  /** Scans an opening bracket, and the closing one if the container is empty. Returns whether it has items. */
  #enter(depth: number, close: number): boolean {
    if (depth > this.#maxDepth) {
      throw new BadPayload(`The JSON text is nested more than ${this.#maxDepth} levels deep.`);
    }
    this.#at++;
    if (this.#token() !== close) return true;
    this.#at++;
    return false;
  }

  /** Scans the comma or closing bracket after an item. Returns whether another item follows. */
  #another(close: number): boolean {
    const char = this.#token();
    if (char !== COMMA && char !== close) this.#fail();
    this.#at++;
    if (char === close) return false;
    this.#token();
    return true;
  }

  #colon(): void {
    if (--this.#keysLeft < 0) throw new BadPayload("The JSON text has too many keys.");
    if (this.#token() !== COLON) this.#fail();
    this.#at++;
    this.#token();
  }

  #string(): void {
    this.#pass(endOfString(this.#units, this.#at));
  }

  #number(): void {
    const start = this.#at;
    const units = this.#units;
    if (units[start] === MINUS && units[start + 1] === UPPER_I) return this.#word(); // -Infinity
    this.#pass(endOfNumber(units, start));
    if (isPlainNumber(units, start, this.#at)) return;
    const token = this.#text.slice(start, this.#at);
    const isInt = INT.test(token);
    if (isInt && token.replace("-", "").length > MAX_DIGITS) {
      throw new BadPayload(`The JSON text has an int of more than ${MAX_DIGITS} digits.`);
    }
    const value = Number(token);
    if (isInt || Number.isInteger(value) || !Number.isFinite(value)) this.oddities |= NUMBERS;
  }

  #word(): void {
    const char = this.#units[this.#at] as number;
    const word = WORDS.get(char);
    if (word === undefined || !this.#text.startsWith(word, this.#at)) this.#fail();
    if (char < LOWER_A) this.oddities |= NUMBERS; // NaN and the infinities
    this.#at += word.length;
  }

  #end(): void {
    this.#token();
    if (this.#at !== this.#text.length) this.#fail();
  }

  /** Moves to the end of a token, or throws if there is none: then it is `~at`. */
  #pass(end: number): void {
    if (end < 0) this.#fail(~end);
    this.#at = end;
  }

  #fail(at = this.#at): never {
    throw new BadPayload(`The text is not JSON (at character ${at}).`);
  }
}

const SCRATCH = new Uint16Array(16_384);
const SCRATCH_BYTES = Buffer.from(SCRATCH.buffer);
const IS_BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/**
 * A text's UTF-16 code units, followed by a zero. Reading them from an array takes half the time of `charCodeAt`.
 * Valid until the next call: most texts share one array.
 */
function codeUnits(text: string): Uint16Array {
  const isShort = text.length < SCRATCH.length;
  const units = isShort ? SCRATCH : new Uint16Array(text.length + 1);
  const bytes = isShort ? SCRATCH_BYTES : Buffer.from(units.buffer);
  bytes.write(text, "utf16le");
  if (IS_BIG_ENDIAN) bytes.swap16();
  units[text.length] = 0;
  return units;
}

// The functions below take code units that end with a zero, and return the position after a token. If there is no such
// token, they return `~at`, which is negative, for the position `at` of the error.

/** The position after the string that begins here. */
function endOfString(units: Uint16Array, start: number): number {
  let at = start;
  if (units[at] !== QUOTE) return ~at;
  for (let char = units[++at] as number; char !== QUOTE; char = units[++at] as number) {
    if (char > BACKSLASH) continue; // most letters: one comparison is enough
    if (char < SPACE) return ~at;
    if (char === BACKSLASH) {
      const last = lastOfEscape(units, at + 1);
      if (last < 0) return last;
      at = last;
    }
  }
  return at + 1;
}

/** The last character of an escape, from the one after the backslash. */
function lastOfEscape(units: Uint16Array, start: number): number {
  const char = units[start] as number;
  if (char !== LOWER_U) return ESCAPABLE.has(char) ? start : ~start;
  for (let at = start + 1; at <= start + 4; at++) if (!isHex(units[at] as number)) return ~at;
  return start + 4;
}

function isHex(char: number): boolean {
  const letter = char | LOWER_CASE;
  return (char >= ZERO && char <= NINE) || (letter >= LOWER_A && letter <= LOWER_F);
}

/** The position after the number that begins here. */
function endOfNumber(units: Uint16Array, start: number): number {
  let at = units[start] === MINUS ? start + 1 : start;
  at = units[at] === ZERO ? at + 1 : endOfDigits(units, at);
  if (at > 0 && units[at] === DOT) at = endOfDigits(units, at + 1);
  if (at > 0 && ((units[at] as number) | LOWER_CASE) === LOWER_E) {
    at++;
    at = endOfDigits(units, units[at] === PLUS || units[at] === MINUS ? at + 1 : at);
  }
  return at;
}

/** The position after one digit or more. */
function endOfDigits(units: Uint16Array, start: number): number {
  let at = start;
  for (let char = units[at] as number; char >= ZERO && char <= NINE; char = units[++at] as number);
  return at === start ? ~at : at;
}

const EXACT_DIGITS = 15; // a double represents this many exactly, as an int and as a fraction

/** Whether a number's token alone shows that JavaScript reads it as Python does, and an int as an int. */
function isPlainNumber(units: Uint16Array, start: number, end: number): boolean {
  let hasDot = false;
  for (let at = start; at < end; at++) {
    const char = units[at] as number;
    if (char === DOT) hasDot = true;
    else if (char > NINE) return false; // an exponent
  }
  if (hasDot) return end - start <= EXACT_DIGITS + 1 && units[end - 1] !== ZERO;
  const isMinusZero = end - start === 2 && units[start] === MINUS && units[start + 1] === ZERO;
  return end - start <= EXACT_DIGITS && !isMinusZero;
}
