import { BadPayload } from "../errors.ts";

/** How much a JSON text may hold. */
export interface Limits {
  /** Levels of arrays and objects inside each other. */
  readonly maxDepth: number;
  /** Object keys in the whole text. */
  readonly maxKeys: number;
}

/** What in a valid text keeps `JSON.parse` from giving the right value, as bits. */
export type Oddities = number;
/** Nothing: `JSON.parse` gives exactly what Python reads. */
export const PLAIN = 0;
/** A number that needs care: a float with an integral or no finite value, `-0`, an int beyond 2^53. */
export const NUMBERS = 1;
/** An object whose first key may be a tag. */
export const TAGS = 2;

/** CPython reads and writes no int with more digits. */
export const MAX_DIGITS = 4300;

/** A top-level object cut into its fields. */
export interface ScannedFields {
  /** Each key with the JSON text of its value, trimmed; of repeated keys the last value at the first one's place. */
  readonly fields: Map<string, string>;
  /** Keys of values that may hold tags. */
  readonly tagged: Set<string> | undefined;
}

/**
 * Proves in one pass that a text is JSON as Python's `json` accepts it, and within limits. That is RFC 8259 with
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
 * Like {@link scan}, and cuts a top-level object into its fields.
 *
 * @returns the oddities instead, if the text is something else than an object.
 * @throws {BadPayload}
 */
export function scanFields(text: string, limits: Limits): ScannedFields | Oddities {
  const scanner = new Scanner(text, limits);
  return scanner.fields() ?? scanner.oddities;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_I = 0x49;
const LOWER_E = 0x65;
const LOWER_CASE = 0x20; // the bit that turns E into e
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const SAFE_DIGITS = 15; // every int this short is below 2^53
const WORDS = ["true", "false", "null"];
const FLOAT_WORDS = ["NaN", "Infinity", "-Infinity"];
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y;

class Scanner {
  oddities: Oddities = PLAIN;
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #keysLeft: number;

  constructor(text: string, limits: Limits) {
    this.#text = text;
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
    this.#at++;
    if (this.#token() === CLOSE_BRACE) this.#at++;
    else {
      for (;;) {
        const key = this.#key();
        this.oddities = PLAIN;
        const start = this.#at;
        this.#value(1);
        fields.set(key, text.slice(start, this.#at));
        if (this.oddities & TAGS) (tagged ??= new Set()).add(key);
        if (!this.#another(CLOSE_BRACE)) break;
      }
    }
    this.#end();
    return { fields, tagged };
  }

  /** The key of a field, unescaped. */
  #key(): string {
    const start = this.#at;
    this.#string();
    const end = this.#at;
    this.#colon();
    const key = this.#text.slice(start + 1, end - 1);
    return key.includes("\\") ? (JSON.parse(this.#text.slice(start, end)) as string) : key;
  }

  /** Skips white space and gives the next character, NaN at the end. */
  #token(): number {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      if (char !== SPACE && char !== 0x0a && char !== 0x0d && char !== 0x09) return char;
      this.#at++;
    }
  }

  #value(depth: number): void {
    const char = this.#text.charCodeAt(this.#at);
    if (char === QUOTE) this.#string();
    else if (char === OPEN_BRACE) this.#object(depth + 1);
    else if (char === OPEN_BRACKET) this.#array(depth + 1);
    else if (char === MINUS || (char >= ZERO && char <= NINE)) this.#number();
    else this.#word();
  }

  #object(depth: number): void {
    if (depth > this.#maxDepth)
      throw new BadPayload(`The JSON text is nested more than ${this.#maxDepth} levels deep.`);
    this.#at++;
    if (this.#token() === CLOSE_BRACE) {
      this.#at++;
      return;
    }
    const first = this.#text.charCodeAt(this.#at + 1);
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
    if (depth > this.#maxDepth)
      throw new BadPayload(`The JSON text is nested more than ${this.#maxDepth} levels deep.`);
    this.#at++;
    if (this.#token() === CLOSE_BRACKET) {
      this.#at++;
      return;
    }
    do this.#value(depth);
    while (this.#another(CLOSE_BRACKET));
  }

  #colon(): void {
    if (--this.#keysLeft < 0) throw new BadPayload("The JSON text has too many keys.");
    if (this.#token() !== COLON) this.#fail();
    this.#at++;
    this.#token();
  }

  /** After an item: whether another one follows. Stands on it, or behind the closing bracket. */
  #another(close: number): boolean {
    const char = this.#token();
    this.#at++;
    if (char === COMMA) {
      this.#token();
      return true;
    }
    if (char !== close) this.#fail();
    return false;
  }

  #string(): void {
    const text = this.#text;
    let at = this.#at;
    if (text.charCodeAt(at) !== QUOTE) this.#fail();
    for (;;) {
      const char = text.charCodeAt(++at);
      if (char === QUOTE) break;
      if (char === BACKSLASH) {
        ESCAPE.lastIndex = at;
        if (!ESCAPE.test(text)) this.#fail();
        at = ESCAPE.lastIndex - 1;
      } else if (!(char >= SPACE)) this.#fail(); // a control character, or the end
    }
    this.#at = at + 1;
  }

  #number(): void {
    const text = this.#text;
    const start = this.#at;
    const integral = text.charCodeAt(start) === MINUS ? start + 1 : start;
    if (text.charCodeAt(integral) === UPPER_I) return this.#word(); // -Infinity
    this.#at = integral;
    if (text.charCodeAt(integral) === ZERO) this.#at++;
    else this.#digits();
    const digits = this.#at - integral;
    const next = text.charCodeAt(this.#at);
    if (next === DOT || (next | LOWER_CASE) === LOWER_E) this.#fraction(start);
    else if (digits > SAFE_DIGITS || (integral > start && text.charCodeAt(integral) === ZERO)) {
      if (digits > MAX_DIGITS)
        throw new BadPayload(`The JSON text has an int of more than ${MAX_DIGITS} digits.`);
      this.oddities |= NUMBERS;
    }
  }

  /** What follows the integral part of a float that begins at `start`. */
  #fraction(start: number): void {
    const text = this.#text;
    if (text.charCodeAt(this.#at) === DOT) {
      this.#at++;
      this.#digits();
    }
    if ((text.charCodeAt(this.#at) | LOWER_CASE) === LOWER_E) {
      const sign = text.charCodeAt(++this.#at);
      if (sign === PLUS || sign === MINUS) this.#at++;
      this.#digits();
    }
    const value = Number(text.slice(start, this.#at));
    if (Number.isInteger(value) || !Number.isFinite(value)) this.oddities |= NUMBERS;
  }

  /** One digit or more. */
  #digits(): void {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (let char = text.charCodeAt(at); char >= ZERO && char <= NINE; char = text.charCodeAt(++at));
    if (at === start) this.#fail();
    this.#at = at;
  }

  #word(): void {
    const text = this.#text;
    for (const word of WORDS) {
      if (text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return;
      }
    }
    for (const word of FLOAT_WORDS) {
      if (text.startsWith(word, this.#at)) {
        this.#at += word.length;
        this.oddities |= NUMBERS;
        return;
      }
    }
    this.#fail();
  }

  #end(): void {
    this.#token();
    if (this.#at !== this.#text.length) this.#fail();
  }

  #fail(): never {
    throw new BadPayload(`The text is not JSON (at character ${this.#at}).`);
  }
}
