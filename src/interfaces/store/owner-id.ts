import { UnserializableError } from "../../errors.ts";
import { isStorableOwner, STORABLE_OWNER } from "../../stores/parts/record.ts";

/** The results of `String(user.id)` for a missing id, and of `String(user)` for an object. */
const NO_ID = /^(?:undefined|null|NaN|\[object .*\])$/s;

/**
 * Converts an id to a string: strings are unchanged, integers converted. `undefined` for anything else, and for
 * {@link NO_ID}.
 */
export function idOf(value: unknown): string | undefined {
  if (typeof value === "string") return NO_ID.test(value) ? undefined : value;
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
  return isWhole ? String(value) : undefined;
}

/** Describes an invalid id for an error message. */
export function notAnId(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : `the string "${value}"`;
  return ["object", "function", "symbol"].includes(typeof value) && value !== null
    ? `of type ${typeof value}`
    : String(value);
}

/**
 * @throws UnserializableError for anything that is not an id: assigning the user instead of `user.id` would log all
 * users in as the same person
 */
export function ownerIdOf(owner: unknown): string | null {
  if (owner === null) return null;
  const id = idOf(owner);
  if (!id) {
    throw new UnserializableError(
      `session.owner must be the id of a person, a string or a whole number, or null; it was ${notAnId(owner)}. Write session.owner = String(user.id); a name that may be such a string needs a prefix.`,
    );
  }
  if (!isStorableOwner(id)) throw new UnserializableError(`session.owner must be ${STORABLE_OWNER}.`);
  return id;
}
