import { forgetFloat, rememberFloat } from "./float-slots.ts";
import { isInt } from "./python-text.ts";
import { Float } from "./values.ts";

/** How to return a float with an integral value, such as `1.0`. */
export type FloatReading =
  /** As a plain number; its array or object remembers it and is written with `1.0` again. */
  | "number"
  /** A `Float`, for code that has to see the difference. */
  | "wrap";

/**
 * Parses a JSON text that `scan` has accepted, with every number as Python reads it. Tags are not converted. `JSON.parse`
 * gives the same result if `scan` found no number that needs care.
 */
export function parse(text: string, floats: FloatReading): unknown {
  const parsed = new Parser(text, floats).value();
  return parsed instanceof Float && floats === "number" ? parsed.value : parsed;
}

class Parser {
  readonly #text: string;
  readonly #floats: FloatReading;
  #at = 0;

  constructor(text: string, floats: FloatReading) {
    this.#text = text;
    this.#floats = floats;
  }

  /** Parses the value at this position; an integral float always as a `Float`, which its container unwraps. */
  value(): unknown {
    switch (this.#token()) {
      case '"':
        return this.#string();
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case "N":
        return this.#word("NaN", NaN);
      case "I":
        return this.#word("Infinity", Infinity);
      default:
        return this.#number();
    }
  }

  /** Skips white space and returns the next character. */
  #token(): string {
    while (" \n\r\t".includes(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.charAt(this.#at);
  }

  #object(): object {
    const object = {};
    this.#at++;
    while (this.#token() !== "}") {
      const key = this.#string();
      this.#token();
      this.#at++; // the colon
      this.#put(object, key, this.value());
      if (this.#token() === ",") this.#at++;
    }
    this.#at++;
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    while (this.#token() !== "]") {
      this.#put(array, array.length, this.value());
      if (this.#token() === ",") this.#at++;
    }
    this.#at++;
    return array;
  }

  #put(container: object, slot: string | number, value: unknown): void {
    forgetFloat(container, slot); // a repeated key: the last value counts
    if (value instanceof Float && this.#floats === "number") {
      rememberFloat(container, slot, value.value);
      define(container, slot, value.value);
    } else define(container, slot, value);
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    let at = start + 1;
    for (let char = this.#text.charAt(at); char !== '"'; char = this.#text.charAt(++at)) {
      if (char === "\\") {
        escaped = true;
        at++;
      }
    }
    this.#at = at + 1;
    if (!escaped) return this.#text.slice(start + 1, at);
    return JSON.parse(this.#text.slice(start, at + 1)) as string;
  }

  #word<T>(word: string, value: T): T {
    this.#at += word.length;
    return value;
  }

  #number(): number | bigint | Float {
    NUMBER.lastIndex = this.#at;
    const token = (NUMBER.exec(this.#text) as RegExpExecArray)[0];
    this.#at += token.length;
    const value = Number(token);
    if (!INT.test(token)) return isInt(value) ? new Float(value) : value;
    return Number.isSafeInteger(value) ? value + 0 : BigInt(token); // -0 is Python's int 0
  }
}

const NUMBER = /-Infinity|[-+.\deE]+/y;
const INT = /^-?\d+$/;

/** Sets an own property of any name: assigning to `__proto__` would not. */
function define(container: object, slot: string | number, value: unknown): void {
  Object.defineProperty(container, slot, { value, writable: true, enumerable: true, configurable: true });
}
