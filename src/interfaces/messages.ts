import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { SessionChanges } from "../session/changes.ts";
import { FLASHES } from "../session/flash.ts";
import type { FieldChanges } from "../stores/parts/record.ts";

/**
 * Flashed messages in records: `flash()` appends them to a list under `_flashes`, and each is shown once, also when
 * requests run in parallel. The list is therefore not overwritten: what this request added and removed is applied to the
 * list that is stored when it is saved.
 */

const NOTHING: FieldChanges = {};

/** A request's changes to the stored list. */
export interface MessageChange {
  /** Messages of the record that were shown; they are at the beginning of the list, unless another request removed them. */
  readonly shown: readonly string[];
  /** Messages that were removed from the record for this request and were not shown, to be prepended. */
  readonly unshown: readonly string[];
  /** Messages that this request added. */
  readonly added: readonly string[];
}

/** A copy of the fields with these messages instead of their own; `undefined`: without any. */
export function withMessages(fields: Fields, messages: string | undefined): Fields {
  const changed = new Map(fields);
  if (messages === undefined) changed.delete(FLASHES);
  else changed.set(FLASHES, messages);
  return changed;
}

/** A request's changes other than those of flashed messages. */
export function withoutMessages({ set, unset, keep, transactions }: SessionChanges): SessionChanges {
  return {
    transactions,
    keep,
    unset: unset.filter((key) => key !== FLASHES),
    set: new Map([...set].filter(([key]) => key !== FLASHES)),
  };
}

/** A change that removes a field and calls `taken` with its text. Of parallel requests, only one gets the text. */
export function takingField(key: string, taken: (text: string | null) => void): FieldChanges {
  const take = (text: string | null) => {
    taken(text);
    return null;
  };
  return { transactions: new Map([[key, take]]) };
}

/** A change that prepends messages to those that other requests have added. */
export function prependingMessages(messages: string | undefined, json: TaggedJSONSerializer): FieldChanges {
  if (messages === undefined || messages === "[]") return NOTHING;
  // If the app stores something other than a list under the key, it is an ordinary field.
  if (!isList(messages, json)) return { set: new Map([[FLASHES, messages]]) };
  const change = { shown: [], unshown: textsIn(messages, json), added: [] };
  return { transactions: new Map([[FLASHES, applied(change, json)]]) };
}

/**
 * A request's changes for a record whose messages were removed when the session was opened: its messages are prepended to
 * those that other requests have added.
 *
 * @param changes those of other fields
 * @param messages the messages to store, as JSON text
 */
export function withMessagesPrepended(
  changes: SessionChanges,
  messages: string,
  json: TaggedJSONSerializer,
): FieldChanges {
  const { set = EMPTY_FIELDS, transactions = new Map() } = prependingMessages(messages, json);
  return {
    ...changes,
    set: new Map([...changes.set, ...set]),
    transactions: new Map([...changes.transactions, ...transactions]),
  };
}

/**
 * A request's changes for a record that is shared with another program. Its messages stay in the record until the save,
 * which removes the shown messages from the stored list and keeps those that other requests have added.
 *
 * @param opened the fields that the session was opened with
 */
export function withMessagesMerged(
  changes: SessionChanges,
  opened: Fields,
  json: TaggedJSONSerializer,
): FieldChanges {
  const text = changes.set.get(FLASHES);
  const isTouched = text === undefined ? changes.unset.includes(FLASHES) : isList(text, json);
  if (!isTouched) return changes;
  const seen = textsIn(opened.get(FLASHES), json);
  const own = textsIn(changes.set.get(FLASHES), json);
  const isLonger = startsWith(own, seen);
  const change = { shown: isLonger ? [] : seen, unshown: [], added: isLonger ? own.slice(seen.length) : own };
  return {
    ...withoutMessages(changes),
    transactions: new Map([...changes.transactions, [FLASHES, applied(change, json)]]),
  };
}

/** Whether a request showed the messages that were removed from the record for it: its list no longer begins with them. */
export function hasShown(
  { set, unset }: SessionChanges,
  messages: string | undefined,
  json: TaggedJSONSerializer,
): boolean {
  if (!set.has(FLASHES)) return unset.includes(FLASHES);
  return !startsWith(textsIn(set.get(FLASHES), json), textsIn(messages, json));
}

/** Two lists of messages as one; either may be undefined. */
export function joinMessages(first: unknown, second: unknown): unknown[] {
  return [first ?? [], second ?? []].flat();
}

function applied({ shown, unshown, added }: MessageChange, json: TaggedJSONSerializer) {
  return (text: string | null): string | null => {
    const stored = textsIn(text ?? undefined, json);
    const rest = startsWith(stored, shown) ? stored.slice(shown.length) : stored;
    const all = [...unshown, ...rest, ...added];
    return all.length === 0 ? null : `[${all.join()}]`;
  };
}

/** The messages as JSON texts. A value that is not a list holds none. */
function textsIn(text: string | undefined, json: TaggedJSONSerializer): string[] {
  const value = text === undefined ? [] : json.loads(text);
  return Array.isArray(value) ? value.map((message) => json.dumps(message)) : [];
}

function isList(text: string, json: TaggedJSONSerializer): boolean {
  return Array.isArray(json.loads(text));
}

function startsWith(list: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((text, at) => list[at] === text);
}
