import { isDate, isUint8Array } from "node:util/types";
import { BadPayload } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { floatSlots, inheritFloats, rememberFloat } from "./float-slots.ts";
import { formatFloat, formatNumber } from "./float.ts";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";
import { isPlainObject } from "./plain-object.ts";
import type { Tag } from "./tags.ts";
import { isTruthy } from "./truth.ts";
import { Float, Markup, Tuple, UUID } from "./values.ts";

/** What Flask would raise a TypeError or ValueError for. */
function refuse(key: string): never {
  throw new BadPayload(`The tag "${key}" holds something it cannot stand for.`);
}

/**
 * An object whose only key is a registered tag, kept apart from a tagged value by `__` behind the key.
 * Checked and written together with all other objects: see `writer.ts`.
 */
export const ESCAPED_OBJECT: Tag = {
  key: " di",
  check: () => false,
  toJSON: (value) => value,
  toValue(json) {
    if (!isPlainObject(json)) refuse(this.key);
    const escaped = Object.keys(json)[0];
    if (escaped === undefined) refuse(this.key);
    const key = Array.from(escaped).slice(0, -2).join(""); // by code points, whatever they are
    const object = Object.fromEntries([[key, json[escaped]]]);
    const float = floatSlots(json)?.get(escaped);
    if (float !== undefined) rememberFloat(object, key, float);
    return object;
  },
};

/** Objects, which need no tag, at their place in the order. */
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

/** Arrays, which need no tag, at their place in the order. */
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

/** Python's `str(value)`, except for containers, dates and bytes: Flask itself stores only texts here. */
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
    return !isTruthy(json) || isUint8Array(json) ? null : refuse(this.key); // Werkzeug gives None for these
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
