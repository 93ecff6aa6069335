import { checkNames, checkNumber } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { BadPayload, BadShape, ConfigError } from "../errors.ts";
import { sortKeys } from "./python-text.ts";
import type { Fields } from "./fields.ts";
import { type FloatReading, parse } from "./parse.ts";
import { isPlainObject } from "./values.ts";
import { ESCAPED_OBJECT, PYTHON_TAGS } from "./python-tags.ts";
import { quoteAscii, quoteUnicode } from "./python-text.ts";
import {
  checkKeys,
  type Limits,
  NUMBERS,
  type Oddities,
  PLAIN,
  scan,
  scanFields,
  type ScannedFields,
  TAGS,
} from "./scan.ts";
import { type Tag, type TagRegistration, Tags } from "./tags.ts";
import { untag } from "./tags.ts";
import { Writer, type WriterOptions } from "./writer.ts";

/** How tagged JSON is written, and the limits of what is read. */
export interface TaggedJSONOptions {
  /** Sort the keys of every object by code point. Default `true`, as `app.json.sort_keys` in Flask. */
  readonly sortKeys?: boolean;
  /** Escape non-ASCII characters. Default `true`, as `app.json.ensure_ascii` in Flask. */
  readonly ascii?: boolean;
  /** Nesting depth of arrays and objects, at most 1000, CPython's own limit. Default 500. */
  readonly maxDepth?: number;
  /** Object keys in one text. Default 10 000. */
  readonly maxKeys?: number;
  /** Tags to register in addition to Flask's. Default none. */
  readonly tags?: readonly Tag[];
}

const OPTIONS = ["sortKeys", "ascii", "maxDepth", "maxKeys", "tags"];

/** Most values in sessions: plain ones, for which this pattern is enough. */
const SIMPLE = /^(?:"[ !#-[\]-~]*"|[1-9]\d{0,14}|0|true|false|null)$/;

/** Nesting levels of a payload around its values: the session itself, and possibly the escape of its only key. */
const WRAPPING = 2;

/**
 * Flask's tagged JSON: JSON that keeps Python's tuples, bytes, Markup, UUIDs, datetimes, floats and big ints apart.
 * Mirrors `flask.json.tag.TaggedJSONSerializer`; the text is what Flask writes inside a request.
 *
 * @example
 * ```ts
 * import { TaggedJSONSerializer, tuple } from "hipflask";
 * const json = new TaggedJSONSerializer();
 * console.log(json.dumps({ seat: tuple(3, "b") })); // {"seat":{" t":[3,"b"]}}
 * ```
 */
export class TaggedJSONSerializer {
  readonly #tags = new Tags(PYTHON_TAGS);
  readonly #writing: WriterOptions;
  readonly #reading: Limits;

  /** @throws {ConfigError} for a `maxDepth` that is not an integer from 1 to 1000, and for tags that `register` refuses. */
  constructor(options: TaggedJSONOptions = {}) {
    checkNames("TaggedJSONSerializer", options, OPTIONS);
    const { sortKeys = true, ascii = true, maxDepth = 500, maxKeys = 10_000, tags = [] } = options;
    if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > 1000) {
      throw new ConfigError(`"maxDepth" must be an integer from 1 to 1000, not ${maxDepth}.`);
    }
    checkNumber("maxKeys", maxKeys, 1);
    this.#writing = { sortKeys, ascii, maxDepth, maxKeys };
    this.#reading = { maxDepth: maxDepth + WRAPPING, maxKeys };
    for (const tag of tags) this.register(tag);
  }

  /**
   * Adds a tag for another type. Flask needs its counterpart: see `TaggedJSONSerializer.register` there.
   *
   * @throws {ConfigError} if the key is registered already, unless forced, or does not begin with a space.
   */
  register<T>(tag: Tag<T>, registration: TagRegistration = {}): void {
    this.#tags.register(tag as Tag, registration);
  }

  /**
   * Serializes a value in Flask's canonical form.
   *
   * @param at - name of the value, the beginning of the path in errors.
   * @throws {UnserializableError} with the path of the value that cannot be written; `toJSON` methods are not called.
   */
  dumps(value: unknown, at?: string): string {
    return new Writer(this.#tags, this.#writing, at).value(value);
  }

  /**
   * Parses a JSON text.
   *
   * Floats such as `1.0` become plain numbers, which their array or object remembers as floats, so that they are written
   * again without loss; `floats: "wrap"` returns `Float` instances instead.
   *
   * @throws {BadPayload} if Python could not parse it, or it exceeds the limits.
   */
  loads(text: string, { floats = "number" }: { readonly floats?: FloatReading } = {}): unknown {
    const oddities = SIMPLE.test(text) ? PLAIN : scan(text, this.#reading);
    return this.#read(text, oddities, floats);
  }

  /**
   * Splits the JSON text of a session into its fields. `loads` parses each of them without error.
   *
   * @throws {BadShape} if it is valid, but not an object.
   * @throws {BadPayload} if it cannot be decoded.
   */
  loadsFields(text: string): Fields {
    const scanned = scanFields(text, this.#reading);
    if (typeof scanned === "number") {
      if (scanned & TAGS) this.#read(text, scanned, "number"); // BadPayload takes precedence over BadShape
      throw new BadShape("The payload is not an object.");
    }
    const { fields } = scanned;
    if (fields.size === 1 && this.#tags.has(firstKey(fields))) return this.#fieldsOfTagged(text);
    return this.#proven(scanned);
  }

  /**
   * Splits an object, which is never a tag itself, into its entries. `loads` parses each of them without error.
   *
   * @throws {BadPayload} if it cannot be decoded, or is not an object.
   */
  loadsEntries(text: string): Fields {
    const scanned = scanFields(text, this.#reading);
    if (typeof scanned === "number") throw new BadShape("The payload is not an object.");
    return this.#proven(scanned);
  }

  /** The JSON text of a session, made of those of its values, which `dumps` or `loadsFields` returned. */
  dumpsFields(fields: Fields): string {
    const keys = Array.from(fields.keys());
    if (this.#writing.sortKeys) sortKeys(keys);
    const isEscaped = keys.length === 1 && this.#tags.has(keys[0] as string);
    return this.#joined(fields, keys, isEscaped);
  }

  /** The JSON text of an object that is never a tag, which `loadsEntries` splits again, in the order of its entries. */
  dumpsEntries(entries: Fields): string {
    return this.#joined(entries, Array.from(entries.keys()), false);
  }

  /**
   * The fields of a plain object.
   *
   * @throws {UnserializableError}
   */
  fieldsOf(object: Record<string, unknown>): Fields {
    return new Writer(this.#tags, this.#writing).each(object);
  }

  /** Values within the limits may exceed them together: it is better to fail now than when reading. */
  #joined(fields: Fields, keys: readonly string[], isEscaped: boolean): string {
    const quote = this.#writing.ascii ? quoteAscii : quoteUnicode;
    let text = "";
    for (const key of keys) {
      if (text !== "") text += ",";
      text += `${quote(isEscaped ? `${key}__` : key)}:${fields.get(key)}`;
    }
    text = isEscaped ? `{"${ESCAPED_OBJECT.key}":{${text}}}` : `{${text}}`;
    checkKeys(text, this.#reading);
    return text;
  }

  #proven({ fields, tagged }: ScannedFields): Fields {
    for (const key of tagged ?? []) this.loads(fields.get(key) as string);
    return fields;
  }

  #read(text: string, oddities: Oddities, floats: FloatReading): unknown {
    const value: unknown = oddities & NUMBERS ? parse(text, floats) : JSON.parse(text);
    return oddities & TAGS ? untag(value, this.#tags) : value;
  }

  /** A session whose only key is a tag is the tagged value. */
  #fieldsOfTagged(text: string): Fields {
    const value = this.loads(text);
    if (!isPlainObject(value)) throw new BadShape("The payload is not an object.");
    try {
      return this.fieldsOf(value);
    } catch (error) {
      throw new BadPayload("The payload holds a tag whose value cannot be written again.", { cause: error });
    }
  }
}

shareClass("TaggedJSONSerializer", TaggedJSONSerializer);

function firstKey(fields: Fields): string {
  return fields.keys().next().value as string;
}
