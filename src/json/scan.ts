import { BadPayload } from "../errors.ts";
import { codeUnits } from "./code-units.ts";

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
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const LOWER_CASE = 0x20; // the bit that turns E into e
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const SAFE_DIGITS = 15; // every int this short is below 2^53
const WORDS = ["true", "false", "null", "NaN", "Infinity", "-Infinity"];
const ESCAPABLE = new Set(Array.from('"\\/bfnrt', (char) => char.charCodeAt(0)));

function isHex(char: number): boolean {
  const letter = char | LOWER_CASE;
  return (char >= ZERO && char <= NINE) || (letter >= 0x61 && letter <= LOWER_F);
}

class Scanner {
  oddities: Oddities = PLAIN;
  readonly #text: string;
  /** The text again, as numbers with a zero behind: no valid token contains one, so no loop needs the length. */
  readonly #units: Uint16Array;
  readonly #maxDepth: number;
  #at = 0;
  #keysLeft: number;
  /** Whether a string with an escape was passed; reset by who wants to know. */
  #hasEscapes = false;

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

  /** Passes the key of a field and the colon. Gives the key, unescaped. */
  #key(): string {
    const start = this.#at;
    this.#hasEscapes = false;
    this.#string();
    const end = this.#at;
    this.#colon();
    if (this.#hasEscapes) return JSON.parse(this.#text.slice(start, end)) as string;
    return this.#text.slice(start + 1, end - 1);
  }

  /** Skips white space and gives the next character. */
  #token(): number {
    const units = this.#units;
    let char = units[this.#at] as number;
    while (char === SPACE || char === 0x0a || char === 0x0d || char === 0x09)
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

  /** Passes an opening bracket, and the closing one if nothing is between. Gives whether something is. */
  #enter(depth: number, close: number): boolean {
    if (depth > this.#maxDepth) {
      throw new BadPayload(`The JSON text is nested more than ${this.#maxDepth} levels deep.`);
    }
    this.#at++;
    if (this.#token() !== close) return true;
    this.#at++;
    return false;
  }

  /** Passes what follows an item: a comma, or the closing bracket. Gives whether another item follows. */
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
    const units = this.#units;
    let at = this.#at;
    if (units[at] !== QUOTE) this.#fail();
    for (let char = units[++at] as number; char !== QUOTE; char = units[++at] as number) {
      if (char > BACKSLASH) continue;
      if (char === BACKSLASH) at = this.#escape(at + 1);
      else if (char < SPACE) this.#fail(at);
    }
    this.#at = at + 1;
  }

  /** Gives the place of an escape's last character, from that of its first one after the backslash. */
  #escape(at: number): number {
    const units = this.#units;
    this.#hasEscapes = true;
    if (units[at] !== LOWER_U) {
      if (!ESCAPABLE.has(units[at] as number)) this.#fail(at);
      return at;
    }
    const end = at + 4;
    while (at < end) if (!isHex(units[++at] as number)) this.#fail(at);
    return end;
  }

  #number(): void {
    const units = this.#units;
    const start = this.#at;
    const integral = units[start] === MINUS ? start + 1 : start;
    if (units[integral] === UPPER_I) return this.#word(); // -Infinity
    this.#at = integral;
    if (units[integral] === ZERO) this.#at++;
    else this.#digits();
    const digits = this.#at - integral;
    const next = units[this.#at] as number;
    if (next === DOT || (next | LOWER_CASE) === LOWER_E) this.#fraction(start);
    else if (digits > SAFE_DIGITS || (integral > start && units[integral] === ZERO)) {
      if (digits > MAX_DIGITS)
        throw new BadPayload(`The JSON text has an int of more than ${MAX_DIGITS} digits.`);
      this.oddities |= NUMBERS;
    }
  }

  /** What follows the integral part of a float that begins at `start`. */
  #fraction(start: number): void {
    const units = this.#units;
    if (units[this.#at] === DOT) {
      this.#at++;
      this.#digits();
    }
    const hasExponent = ((units[this.#at] as number) | LOWER_CASE) === LOWER_E;
    if (hasExponent) {
      const sign = units[++this.#at];
      if (sign === PLUS || sign === MINUS) this.#at++;
      this.#digits();
    }
    // Up to 15 digits are exact enough for a fraction to survive.
    if (!hasExponent && units[this.#at - 1] !== ZERO && this.#at - start <= SAFE_DIGITS + 1) return;
    const value = Number(this.#text.slice(start, this.#at));
    if (Number.isInteger(value) || !Number.isFinite(value)) this.oddities |= NUMBERS;
  }

  /** One digit or more. */
  #digits(): void {
    const units = this.#units;
    let at = this.#at;
    for (let char = units[at] as number; char >= ZERO && char <= NINE; char = units[++at] as number);
    if (at === this.#at) this.#fail();
    this.#at = at;
  }

  #word(): void {
    const char = this.#units[this.#at];
    const word = WORDS.find((word) => word.charCodeAt(0) === char);
    if (word === undefined || !this.#text.startsWith(word, this.#at)) this.#fail();
    if (char !== LOWER_T && char !== LOWER_F && char !== LOWER_N) this.oddities |= NUMBERS;
    this.#at += word.length;
  }

  #end(): void {
    this.#token();
    if (this.#at !== this.#text.length) this.#fail();
  }

  #fail(at = this.#at): never {
    throw new BadPayload(`The text is not JSON (at character ${at}).`);
  }
}
