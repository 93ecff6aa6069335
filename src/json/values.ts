import { shareClass } from "../copies.ts";
import { BadData } from "../errors.ts";
import { isUint8Array } from "node:util/types";

/** `Array` as a base class without its mutating methods in the type: tuples are frozen. */
const FrozenArray = Array as unknown as new <T>() => readonly T[];

/**
 * A Python tuple: a frozen array that is written as `{" t": […]}` and read as a tuple on both sides. Create it with {@link
 * tuple} or `Tuple.from`; its `map`, `filter`, `slice`, … return ordinary arrays.
 *
 * @example
 * ```ts
 * import { Tuple } from "hipflask";
 * console.log(Tuple.from(new Set([1, 2])) instanceof Array); // true
 * ```
 */
export class Tuple<T = unknown> extends FrozenArray<T> {
  static get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** Creates a tuple from an iterable. */
  static from<T>(items: Iterable<T>): Tuple<T> {
    const made = new Tuple<T>();
    let index = 0;
    // Defined one by one: spreading a long list into arguments could exhaust the stack.
    for (const item of items) (made as unknown as T[])[index++] = item;
    return Object.freeze(made);
  }
}

shareClass("Tuple", Tuple);

/**
 * Creates a Python tuple. Flask's `flash()` stores tuples, and Python code may compare a value with one.
 *
 * @example
 * ```ts
 * import { session, tuple } from "hipflask";
 * export const move = (x: number, y: number) => { session.position = tuple(x, y); };
 * ```
 */
export function tuple<const T extends readonly unknown[]>(...items: T): Tuple<T[number]> & Readonly<T> {
  return Tuple.from(items) as Tuple<T[number]> & Readonly<T>;
}

/**
 * HTML marked as safe, MarkupSafe's `Markup`. Written as `{" m": "…"}`. It does not escape its argument.
 *
 * @example
 * ```ts
 * import { Markup } from "hipflask";
 * console.log(`${new Markup("<b>saved</b>")}`); // <b>saved</b>
 * ```
 */
export class Markup {
  /** The HTML, to be inserted without escaping. */
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }

  /** The protocol by which Python's template engines recognise safe HTML. */
  __html__(): string {
    return this.html;
  }

  toString(): string {
    return this.html;
  }

  toJSON(): string {
    return this.html;
  }
}

shareClass("Markup", Markup);

const UUID_DIGITS = /^[0-9a-f]{32}$/;

/**
 * Python's `uuid.UUID`. Written as `{" u": "32 hex digits"}`.
 *
 * @example
 * ```ts
 * import { randomUUID } from "node:crypto";
 * import { UUID } from "hipflask";
 * console.log(new UUID(randomUUID()).hex.length); // 32
 * ```
 */
export class UUID {
  /** 32 lower-case hexadecimal digits. */
  readonly hex: string;

  /**
   * Accepts what Python's `uuid.UUID(text)` accepts: hyphens anywhere, surrounding braces, `urn:uuid:`, any case.
   *
   * @throws {BadData} if 32 hexadecimal digits do not remain.
   */
  constructor(text: string) {
    const hex = withoutBraces(text.replaceAll("urn:", "").replaceAll("uuid:", ""))
      .replaceAll("-", "")
      .toLowerCase();
    if (!UUID_DIGITS.test(hex)) throw new BadData("Not a UUID: 32 hexadecimal digits are needed.");
    this.hex = hex;
  }

  /** The usual form with hyphens, 8-4-4-4-12. */
  toString(): string {
    return this.hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  toJSON(): string {
    return this.toString();
  }
}

shareClass("UUID", UUID);

/** Python's `text.strip("{}")`; a regular expression would take quadratic time for a long run of braces. */
function withoutBraces(text: string): string {
  const isBrace = (at: number) => text[at] === "{" || text[at] === "}";
  let [start, end] = [0, text.length];
  while (start < end && isBrace(start)) start++;
  while (end > start && isBrace(end - 1)) end--;
  return text.slice(start, end);
}

/**
 * A Python float whose value JavaScript cannot tell from an int: `new Float(1)` is written `1.0`, a plain `1` is `1`.
 * Numbers with a fraction need no wrapping. Arithmetic unwraps it.
 *
 * @example
 * ```ts
 * import { Float, TaggedJSONSerializer } from "hipflask";
 * console.log(new TaggedJSONSerializer().dumps([1, new Float(1)])); // [1,1.0]
 * ```
 */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toString(): string {
    return String(this.value);
  }

  toJSON(): number {
    return this.value;
  }
}

shareClass("Float", Float);

/**
 * Marks a number as a Python float, so that `1` is written `1.0`.
 *
 * @example
 * ```ts
 * import { float, session } from "hipflask";
 * export const price = (euros: number) => { session.price = float(euros); };
 * ```
 */
export function float(value: number): Float {
  return new Float(value);
}

/** Whether a value is a plain object: with `Object.prototype`, that of another realm, or none. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Python's `bool()` for all values of a session: empty strings and containers are false, and NaN is true. */
export function isTruthy(value: unknown): boolean {
  if (typeof value === "number") return value !== 0;
  if (typeof value !== "object" || value === null) return Boolean(value);
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Markup) return value.html !== "";
  if (Array.isArray(value) || isUint8Array(value)) return value.length > 0;
  return !isPlainObject(value) || Object.keys(value).length > 0;
}
