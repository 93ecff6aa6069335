import type { Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { SessionChanges } from "../session/changes.ts";
import type { FieldChanges } from "../stores/parts/record.ts";

/**
 * One-time messages in records: `flash()` leaves them under `_flashes`, and each is to be shown once, whatever parallel requests
 * do. They are the one part of a session that is not simply written: what this request left and took is applied to the
 * list as it is stored by then.
 */

/** The key of the list, in a session and in a record. */
export const FLASHES = "_flashes";
const NOTHING: FieldChanges = {};

/** What a request did to the list. */
export interface MessageChange {
  /** Messages that the record held and that were shown; they stand at its beginning unless others took them as well. */
  readonly shown: readonly string[];
  /** Messages that were taken out of the record for this request and were not shown. */
  readonly back: readonly string[];
  /** Messages that this request left. */
  readonly added: readonly string[];
}

/** Whether a record has messages that must be taken out for one request alone. */
export function hasMessages(fields: Fields): boolean {
  return fields.has(FLASHES);
}

/** The fields with these messages in place of those they hold; `undefined`: with none. */
export function withMessages(fields: Fields, messages: string | undefined): Fields {
  if (fields.get(FLASHES) === messages) return fields;
  const changed = new Map(fields);
  if (messages === undefined) changed.delete(FLASHES);
  else changed.set(FLASHES, messages);
  return changed;
}

/** Whether a request changed anything but messages. */
export function changesFields({ set, unset, keep, transactions }: SessionChanges): boolean {
  if (keep !== undefined || transactions.size > 0) return true;
  return set.size > Number(set.has(FLASHES)) || unset.some((key) => key !== FLASHES);
}

/** The messages that remain after a request: all of its own, or those taken out of the record that it did not show. */
export function leftMessages({ set, unset }: SessionChanges, taken: string | undefined): string | undefined {
  return set.get(FLASHES) ?? (unset.includes(FLASHES) ? undefined : taken);
}

/** Takes a field out of a record; of all requests that do so, one gets its text. */
export function takingField(key: string, taken: (text: string | null) => void): FieldChanges {
  const take = (text: string | null) => {
    taken(text);
    return null;
  };
  return { transactions: new Map([[key, take]]) };
}

/** Puts messages back in front of those that others left meanwhile. */
export function puttingBack(messages: string | undefined, json: TaggedJSONSerializer): FieldChanges {
  if (messages === undefined || messages === "[]") return NOTHING;
  // The key may hold something else than messages, and then it is a field like any other.
  if (!isList(messages, json)) return { set: new Map([[FLASHES, messages]]) };
  const change = { shown: [], back: textsIn(messages, json), added: [] };
  return { transactions: new Map([[FLASHES, applied(change, json)]]) };
}

/**
 * What a request did to its fields, with the messages apart: for records whose messages were taken out when the session was
 * opened, so that what the session holds now goes in front of what others left.
 *
 * @param messages those to put into the record
 */
export function withMessagesBack(
  changes: SessionChanges,
  messages: string | undefined,
  json: TaggedJSONSerializer,
): FieldChanges {
  const rest = withoutMessages(changes);
  const back = puttingBack(messages, json);
  if (back === NOTHING) return rest;
  return {
    ...rest,
    set: new Map([...(rest.set ?? []), ...(back.set ?? [])]),
    transactions: new Map([...changes.transactions, ...(back.transactions ?? [])]),
  };
}

/**
 * The same for records that another program reads and writes too, which takes messages out only when it saves: those that
 * were shown are removed from the stored list, and those that others left meanwhile stay.
 *
 * @param opened the fields that the request began with
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
  const change = { shown: isLonger ? [] : seen, back: [], added: isLonger ? own.slice(seen.length) : own };
  return {
    ...withoutMessages(changes),
    transactions: new Map([...changes.transactions, [FLASHES, applied(change, json)]]),
  };
}

/** Whether a request has shown the messages that were taken out for it: they are not at the beginning of its list any more. */
export function hasShown(
  { set, unset }: SessionChanges,
  messages: string | undefined,
  json: TaggedJSONSerializer,
): boolean {
  if (!set.has(FLASHES)) return unset.includes(FLASHES);
  return !startsWith(textsIn(set.get(FLASHES), json), textsIn(messages, json));
}

/** Messages of one request and of another, as the value of the key. */
export function joinedMessages(first: unknown, second: unknown): unknown[] {
  return [first ?? [], second ?? []].flat();
}

function applied({ shown, back, added }: MessageChange, json: TaggedJSONSerializer) {
  return (text: string | null): string | null => {
    const stored = textsIn(text ?? undefined, json);
    const rest = startsWith(stored, shown) ? stored.slice(shown.length) : stored;
    const all = [...back, ...rest, ...added];
    return all.length === 0 ? null : `[${all.join()}]`;
  };
}

function withoutMessages(changes: SessionChanges): FieldChanges {
  const { set, unset, keep, transactions } = changes;
  if (!set.has(FLASHES) && !unset.includes(FLASHES)) return changes;
  return {
    transactions,
    keep,
    unset: unset.filter((key) => key !== FLASHES),
    set: set.has(FLASHES) ? new Map([...set].filter(([key]) => key !== FLASHES)) : set,
  };
}

/** What is under the key may be anything; only a list holds messages. */
function textsIn(text: string | undefined, json: TaggedJSONSerializer): string[] {
  const value = text === undefined ? [] : json.loads(text);
  return Array.isArray(value) ? value.map((message) => json.dumps(message)) : [];
}

function isList(text: string, json: TaggedJSONSerializer): boolean {
  return Array.isArray(json.loads(text));
}

function startsWith(list: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((text, at) => list[at] === text);
}
