import { BadPayload, HipflaskError } from "../errors.ts";
import { floatSlots } from "./float-slots.ts";
import { isPlainObject } from "./plain-object.ts";
import type { Tags } from "./tags.ts";

/**
 * Puts values in the place of tagged objects, in place and from the inside outwards, so that what a tag
 * gave is not looked at again. Recursion is bounded by the limit the text was scanned with.
 *
 * @throws {BadPayload} if a tag holds something it cannot stand for.
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
