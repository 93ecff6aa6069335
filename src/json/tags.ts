import { BadPayload, ConfigError, HipflaskError } from "../errors.ts";
import { floatSlots } from "./float-slots.ts";
import { isPlainObject } from "./values.ts";

/**
 * How values of one type are written in JSON: as an object with one key, the tag's. Flask's `JSONTag`.
 *
 * @typeParam T - the type of the values.
 *
 * @example
 * ```ts
 * import { type Tag, TaggedJSONSerializer } from "hipflask";
 * const url: Tag<URL> = {
 *   key: " url",
 *   check: (value) => value instanceof URL,
 *   toJSON: (value) => value.href,
 *   toValue: (json) => new URL(String(json)),
 * };
 * const json = new TaggedJSONSerializer();
 * json.register(url);
 * console.log(json.dumps([new URL("https://example.org/")])); // [{" url":"https://example.org/"}]
 * ```
 */
export interface Tag<T = unknown> {
  /** Begins with a space, like all of Flask's, so that it conflicts with no ordinary key. */
  readonly key: string;
  /** Whether a value is of this type. */
  check(value: unknown): boolean;
  /** The value to write instead. Values inside it are tagged in turn. */
  toJSON(value: T): unknown;
  /**
   * Converts what `toJSON` returned back to the value. If it throws, the payload is bad.
   *
   * @param isFloat - whether `json` is a number that was written as a float although it is integral, such as `1.0`.
   */
  toValue(json: unknown, isFloat: boolean): T;
}

/** Options of `register`. */
export interface TagRegistration {
  /** Replaces a tag with the same key for reading, instead of throwing. Default `false`. */
  readonly force?: boolean;
  /**
   * The position in the order in which tags check a value when writing; the built-in order is
   * ` di`, objects, ` t`, arrays, ` b`, ` m`, ` u`, ` d`. Default: the end.
   */
  readonly index?: number;
}

/** The registered tags by key, for reading. An object with one of these keys as its only one is a tagged value. */
export class Tags extends Map<string, Tag> {
  /** All tags, in the order in which they check a value, for writing. */
  readonly order: Tag[] = [];

  /**
   * @param builtIn - tags that are registered from the start; those without a key only mark a position in the order.
   */
  constructor(builtIn: readonly Tag[]) {
    super();
    for (const tag of builtIn) {
      this.order.push(tag);
      if (tag.key !== "") this.set(tag.key, tag);
    }
  }

  register(tag: Tag, { force = false, index = this.order.length }: TagRegistration = {}): void {
    if (!tag.key.startsWith(" ")) throw new ConfigError(`The tag "${tag.key}" must begin with a space.`);
    if (!force && this.has(tag.key)) {
      throw new ConfigError(
        `The tag "${tag.key}" is already registered; pass { force: true } to replace it.`,
      );
    }
    this.set(tag.key, tag);
    this.order.splice(index, 0, tag);
  }

  /** The first tag in order whose `check` accepts a value. */
  for(value: unknown): Tag | undefined {
    return this.order.find((tag) => tag.check(value));
  }
}

/**
 * Replaces tagged objects by their values, in place and from the inside outwards, so that the result of a tag is not
 * converted again. Recursion is bounded by the limit the text was scanned with.
 *
 * @throws {BadPayload} if a tag has an invalid value.
 */
export function untag(value: unknown, tags: Tags): unknown {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = untag(value[index], tags);
    return value;
  }
  if (typeof value !== "object" || value === null || !isPlainObject(value)) return value;
  const keys = Object.keys(value);
  // Every key is an own property here, so assigning never reaches a setter, not even for `__proto__`.
  for (const key of keys) value[key] = untag(value[key], tags);
  const only = keys[0];
  const tag = keys.length === 1 && only !== undefined ? tags.get(only) : undefined;
  if (tag === undefined) return value;
  try {
    return tag.toValue(value[tag.key], floatSlots(value)?.has(tag.key) ?? false);
  } catch (error) {
    if (error instanceof BadPayload) throw error;
    const why = error instanceof HipflaskError ? error.message : "Its toValue threw.";
    throw new BadPayload(`The tag "${tag.key}" cannot be read. ${why}`, { cause: error });
  }
}
