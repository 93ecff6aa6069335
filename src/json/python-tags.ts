import { isDate, isUint8Array } from "node:util/types";
import { BadPayload } from "../errors.ts";
import { floatSlots, inheritFloats, rememberFloat } from "./float-slots.ts";
import { formatFloat, formatNumber } from "./python-text.ts";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";
import { Float, isPlainObject, isTruthy, Markup, Tuple, UUID } from "./values.ts";
import type { Tag } from "./tags.ts";

/** The error where Flask raises a TypeError or ValueError. */
function refuse(key: string): never {
  throw new BadPayload(`The tag "${key}" has an invalid value.`);
}

/**
 * An object whose only key is a registered tag: `__` is appended to the key to distinguish it from a tagged value.
 * `writer.ts` writes it with all other objects.
 */
export const ESCAPED_OBJECT: Tag = {
  key: " di",
  check: () => false,
  toJSON: (value) => value,
  toValue(json) {
    if (!isPlainObject(json)) refuse(this.key);
    const escaped = Object.keys(json)[0];
    if (escaped === undefined) refuse(this.key);
    const key = Array.from(escaped).slice(0, -2).join(""); // by code points
    const object = Object.fromEntries([[key, json[escaped]]]);
    const float = floatSlots(json)?.get(escaped);
    if (float !== undefined) rememberFloat(object, key, float);
    return object;
  },
};

/** The place of objects, which need no tag, in the order. */
export const OBJECT: Tag = {
  key: "",
  check: isPlainObject,
  toJSON: (value) => value,
  toValue: (json) => json,
};

export const TUPLE: Tag = {
  key: " t",
  check: (value) => value instanceof Tuple,
  toJSON: (value) => value,
  toValue(json) {
    const items = typeof json === "string" || json instanceof Markup ? String(json) : json;
    if (typeof items === "string" || Array.isArray(items) || isUint8Array(items)) {
      const tuple = Tuple.from<unknown>(items);
      if (typeof items === "object") inheritFloats(items, tuple);
      return tuple;
    }
    return isPlainObject(items) ? Tuple.from(Object.keys(items)) : refuse(this.key);
  },
};

/** The place of arrays, which need no tag, in the order. */
export const ARRAY: Tag = {
  key: "",
  check: Array.isArray,
  toJSON: (value) => value,
  toValue: (json) => json,
};

const BYTES: Tag<Uint8Array> = {
  key: " b",
  check: isUint8Array,
  toJSON: encodeBase64,
  toValue(json) {
    if (isUint8Array(json)) return decodeBase64(Buffer.from(json).toString("latin1"));
    const text = typeof json === "string" || json instanceof Markup ? String(json) : refuse(this.key);
    // oxlint-disable-next-line no-control-regex -- the range is ASCII, as Python demands
    return /^[\0-\x7f]*$/.test(text) ? decodeBase64(text) : refuse(this.key);
  },
};

const MARKUP: Tag<{ __html__(): unknown }> = {
  key: " m",
  check: (value) =>
    typeof value === "object" &&
    value !== null &&
    "__html__" in value &&
    typeof value.__html__ === "function",
  toJSON: (value) => String(value.__html__()),
  toValue(json, isFloat) {
    return new Markup(pythonText(isFloat ? new Float(Number(json)) : json) ?? refuse(this.key));
  },
};

/** Python's `str(value)`, except for containers, dates and bytes: Flask itself stores only strings here. */
function pythonText(value: unknown): string | undefined {
  if (value instanceof Float) return formatFloat(value.value);
  if (typeof value === "number") return formatNumber(value).replace("Infinity", "inf").replace("NaN", "nan");
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  const isText = typeof value !== "object" || value instanceof Markup || value instanceof UUID;
  return isText ? String(value) : undefined;
}

const UUIDS: Tag<UUID> = {
  key: " u",
  check: (value) => value instanceof UUID,
  toJSON: (value) => value.hex,
  toValue(json) {
    return typeof json === "string" || json instanceof Markup ? new UUID(String(json)) : refuse(this.key);
  },
};

const DATETIME: Tag = {
  key: " d",
  check: isDate,
  toJSON: (value) => formatHttpDate((value as Date).getTime()),
  toValue(json) {
    if (typeof json === "string" || json instanceof Markup) return parseHttpDate(String(json));
    return !isTruthy(json) || isUint8Array(json) ? null : refuse(this.key); // Werkzeug returns None for these
  },
};

/** Flask's tags in Flask's order. */
export const PYTHON_TAGS: readonly Tag[] = [
  ESCAPED_OBJECT,
  OBJECT,
  TUPLE,
  ARRAY,
  BYTES,
  MARKUP,
  UUIDS,
  DATETIME,
];

const CANONICAL = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIGN = /[A-Za-z0-9+/]/;

/** Encodes the bytes of a view as standard base64 with padding. */
function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Decodes base64 as Python's `b64decode` does: other characters are skipped, and data ends at complete padding.
 *
 * @throws {BadPayload} for incomplete data, which includes missing padding.
 */
function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(CANONICAL.test(text) ? text : canonical(text), "base64"));
}

function canonical(text: string): string {
  let signs = "";
  let padding = 0;
  for (const char of text) {
    if (SIGN.test(char)) {
      signs += char;
      padding = 0;
    } else if (char === "=" && signs.length % 4 >= 2 && (signs.length % 4) + ++padding >= 4) return signs;
  }
  if (signs.length % 4 !== 0) throw new BadPayload("The base64 text of bytes is incomplete.");
  return signs;
}
