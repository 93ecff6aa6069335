import { isInt } from "./python-text.ts";

type Slot = string | number;

/**
 * Which slots of which arrays and objects were read from a float token with an integral value, such as `1.0`.
 * JavaScript sees a plain `1` there; writing the container gives `1.0` again as long as the slot holds that number.
 */
const slotsOf = new WeakMap<object, Map<Slot, number>>();

/** The remembered slots of one container. */
export type FloatSlots = ReadonlyMap<Slot, number>;

export function floatSlots(container: object): FloatSlots | undefined {
  return slotsOf.get(container);
}

/** Remembers that a slot was read as a float, unless its value is not integral. */
export function rememberFloat(container: object, slot: Slot, value: number): void {
  if (!isInt(value)) return;
  const slots = slotsOf.get(container);
  if (slots === undefined) slotsOf.set(container, new Map([[slot, value]]));
  else slots.set(slot, value);
}

/** Forgets a slot, when a key is repeated in the same object. */
export function forgetFloat(container: object, slot: Slot): void {
  slotsOf.get(container)?.delete(slot);
}

/** Copies the remembered slots of a container to another. */
export function inheritFloats(from: object, to: object): void {
  const slots = slotsOf.get(from);
  if (slots !== undefined) slotsOf.set(to, slots);
}
