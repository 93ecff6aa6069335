import { isUint8Array } from "node:util/types";
import { isPlainObject } from "./plain-object.ts";
import { Float, Markup } from "./values.ts";

/** Python's `bool()` for everything a session can hold: empty texts and containers are false, and NaN is true. */
export function isTruthy(value: unknown): boolean {
  if (typeof value === "number") return value !== 0;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Markup) return value.html !== "";
  if (Array.isArray(value) || isUint8Array(value)) return value.length > 0;
  if (typeof value === "object" && value !== null && isPlainObject(value))
    return Object.keys(value).length > 0;
  return Boolean(value);
}
