import { HipflaskError, UnserializableError } from "../errors.ts";
import { formatFloat, formatNumber, quoteAscii, quoteUnicode, sortKeys } from "./python-text.ts";
import { type FloatSlots, floatSlots } from "./float-slots.ts";
import { Float, isPlainObject, Tuple } from "./values.ts";
import { ARRAY, ESCAPED_OBJECT, OBJECT, PYTHON_TAGS, TUPLE } from "./python-tags.ts";
import { type Limits, MAX_DIGITS } from "./scan.ts";
import type { Tag, Tags } from "./tags.ts";

/** How JSON is written. */
export interface WriterOptions extends Limits {
  /** Sort the keys of every object by code point. */
  readonly sortKeys: boolean;
  /** Escape non-ASCII characters. */
  readonly ascii: boolean;
}

/** The tags the writer handles itself: containers, whose items it visits. */
const CONTAINERS: ReadonlySet<Tag> = new Set([ESCAPED_OBJECT, OBJECT, TUPLE, ARRAY]);

/**
 * Writes one value and keeps the current path for errors. Each JSON text needs a new instance.
 */
export class Writer {
  readonly #tags: Tags;
  readonly #options: WriterOptions;
  readonly #quote: (text: string) => string;
  readonly #hasOwnTags: boolean;
  readonly #at: string | undefined;
  /** The containers around the current value and the slot taken in each; valid up to `#level`. */
  readonly #containers: object[] = [];
  readonly #slots: (string | number)[] = [];
  #level = 0;
  #keysLeft: number;

  /** @param at - name of the value, for the path in errors. */
  constructor(tags: Tags, options: WriterOptions, at?: string) {
    this.#tags = tags;
    this.#options = options;
    this.#at = at;
    this.#quote = options.ascii ? quoteAscii : quoteUnicode;
    this.#hasOwnTags = tags.order.length > PYTHON_TAGS.length;
    this.#keysLeft = options.maxKeys;
  }

  /**
   * Serializes a value.
   *
   * @param depth - the number of arrays and objects around it.
   * @throws {UnserializableError}
   */
  value(value: unknown, depth = 0): string {
    if (this.#hasOwnTags) {
      const tag = this.#tags.for(value);
      if (tag !== undefined && !CONTAINERS.has(tag)) return this.#tagged(tag, value, depth);
    }
    switch (typeof value) {
      case "string":
        return this.#quote(value);
      case "number":
        return formatNumber(value);
      case "boolean":
        return value ? "true" : "false";
      case "object":
        return this.#object(value, depth);
      case "bigint":
        return this.#int(value);
      default:
        return this.#fail(refusalOf(value));
    }
  }

  /** The JSON texts of an object's values by key, in the object's order. */
  each(object: Record<string, unknown>): Map<string, string> {
    const texts = new Map<string, string>();
    const floats = floatSlots(object);
    this.#enter(object, 0);
    for (const key of Object.keys(object)) texts.set(key, this.#item(key, object[key], floats, 0));
    this.#leave();
    return texts;
  }

  #object(value: object | null, depth: number): string {
    if (value === null) return "null";
    if (Array.isArray(value)) {
      if (!(value instanceof Tuple)) return this.#array(value, depth);
      this.#countKeys(1);
      return `{" t":${this.#array(value, depth + 1)}}`;
    }
    if (isPlainObject(value)) return this.#plainObject(value, depth);
    if (value instanceof Float) return formatFloat(value.value);
    const tag = this.#tags.for(value);
    return tag === undefined ? this.#fail(refusalOf(value)) : this.#tagged(tag, value, depth);
  }

  #array(array: readonly unknown[], depth: number): string {
    const floats = floatSlots(array);
    this.#enter(array, depth + 1);
    let text = "[";
    for (let index = 0; index < array.length; index++) {
      const item = array[index];
      if (index > 0) text += ",";
      text += this.#item(index, item, floats, depth + 1);
    }
    this.#leave();
    return `${text}]`;
  }

  #plainObject(object: Record<string, unknown>, depth: number): string {
    const keys = Object.keys(object);
    const only = keys.length === 1 ? (keys[0] as string) : "";
    const isEscaped = this.#tags.has(only);
    const level = isEscaped ? depth + 2 : depth + 1;
    const floats = floatSlots(object);
    if (this.#options.sortKeys) sortKeys(keys);
    this.#countKeys(isEscaped ? 2 : keys.length);
    this.#enter(object, level);
    let text = "{";
    for (const key of keys) {
      if (text !== "{") text += ",";
      text += `${this.#quote(isEscaped ? `${key}__` : key)}:${this.#item(key, object[key], floats, level)}`;
    }
    this.#leave();
    return isEscaped ? `{" di":${text}}}` : `${text}}`;
  }

  /** Writes one slot of the current container. */
  #item(slot: string | number, item: unknown, floats: FloatSlots | undefined, depth: number): string {
    this.#slots[this.#level - 1] = slot;
    if (floats !== undefined && floats.get(slot) === item) return formatFloat(item as number);
    return this.value(item, depth);
  }

  #tagged(tag: Tag, value: unknown, depth: number): string {
    if (depth >= this.#options.maxDepth) this.#failDeep();
    this.#countKeys(1);
    let json: unknown;
    try {
      json = tag.toJSON(value);
    } catch (error) {
      return this.#fail(
        error instanceof HipflaskError ? error.message : `The tag "${tag.key}" cannot write a value.`,
        error,
      );
    }
    return `{${this.#quote(tag.key)}:${this.value(json, depth + 1)}}`;
  }

  #int(value: bigint): string {
    const text = String(value);
    if (text.length - (value < 0n ? 1 : 0) > MAX_DIGITS)
      this.#fail(`An int has more than ${MAX_DIGITS} digits.`);
    return text;
  }

  /** Counts keys in the text, those of tags included. */
  #countKeys(count: number): void {
    this.#keysLeft -= count;
    if (this.#keysLeft < 0) this.#fail(`A value has more than ${this.#options.maxKeys} keys.`);
  }

  #enter(container: object, depth: number): void {
    if (depth > this.#options.maxDepth) this.#failDeep();
    this.#containers[this.#level++] = container;
  }

  #leave(): void {
    this.#level--;
  }

  #failDeep(): never {
    const around = this.#containers.slice(0, this.#level);
    const again = around.findIndex((container, level) => around.indexOf(container) < level);
    if (again < 0) this.#fail(`A value is nested more than ${this.#options.maxDepth} levels deep.`);
    this.#level = again;
    this.#fail("A value contains itself.");
  }

  #fail(message: string, cause?: unknown): never {
    const slots = this.#slots.slice(0, this.#level);
    const path = pathOf(this.#at === undefined ? slots : [this.#at, ...slots]);
    throw new UnserializableError(message, path, cause === undefined ? {} : { cause });
  }
}

const NAME = /^[A-Za-z_$][\w$]*$/;

/** The path of a value as written in code: `cart[2].price`. */
function pathOf(slots: readonly (string | number)[]): string {
  let path = "";
  for (const slot of slots) {
    if (typeof slot === "number" || !NAME.test(slot)) path += `[${JSON.stringify(slot)}]`;
    else path += path === "" ? slot : `.${slot}`;
  }
  return path;
}

const ADVICE: Readonly<Record<string, string>> = {
  Map: " Store Object.fromEntries(map).",
  Set: " Store an array of its items.",
  Promise: " Await it first.",
};

/** Why a value cannot be stored, and what to do instead. Contains its type, never its content. */
function refusalOf(value: unknown): string {
  if (value === undefined) return "undefined cannot be stored. Use null, or leave the key out.";
  if (typeof value !== "object" || value === null) return `A ${typeof value} cannot be stored.`;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const maker: unknown = value.constructor;
  const type = name === "Object" && typeof maker === "function" && maker.name !== "" ? maker.name : name;
  return `An instance of "${type}" cannot be stored.${ADVICE[type] ?? " Store a plain object, or register a tag for it."}`;
}
