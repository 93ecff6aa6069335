import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { SessionChanges } from "../../session/changes.ts";
import type { Change } from "../../stores/verbs.ts";

const FLASHES = "_flashes";

/** Makes the change a store applies, given the fields it holds at that moment; asked again when they have moved on. */
export type ChangeOf = (stored: Fields) => Change;

/**
 * What a request did to its session, as operations on the stored fields: plain keys are written and removed, and
 * whatever depends on what is stored expects it to be as it was seen.
 *
 * @param flashes one-time messages to put back or to leave, as JSON text
 * @returns `undefined` if there is nothing to do
 */
export function changeOf(
  changes: SessionChanges,
  flashes: string | undefined,
  json: TaggedJSONSerializer,
): ChangeOf | undefined {
  const set = new Map(changes.set);
  const unset = changes.unset.filter((key) => key !== FLASHES);
  const transactions = new Map(changes.transactions);
  set.delete(FLASHES);
  if (flashes !== undefined && flashes !== "[]") {
    transactions.set(FLASHES, (stored) => joined(flashes, stored, json));
  }
  if (set.size + unset.length + transactions.size === 0 && changes.keep === undefined) return undefined;
  return (stored) => {
    const base = changes.keep === undefined ? stored : only(stored, changes.keep);
    const expect = new Map([...transactions.keys()].map((key) => [key, stored.get(key) ?? null]));
    const computed = [...transactions].map(([key, next]): [string, string | null] => [
      key,
      next(base.get(key) ?? null),
    ]);
    const removed = computed.flatMap(([key, text]) => (text === null ? key : []));
    const written = computed.flatMap(([key, text]): [string, string][] =>
      text === null ? [] : [[key, text]],
    );
    return { expect, keep: changes.keep, unset: [...unset, ...removed], set: new Map([...set, ...written]) };
  };
}

/** Puts messages back that were taken for a request whose work is not saved. */
export function giveBack(flashes: string | undefined, json: TaggedJSONSerializer): ChangeOf | undefined {
  if (flashes === undefined) return undefined;
  return (stored) => {
    const before = stored.get(FLASHES) ?? null;
    return { expect: new Map([[FLASHES, before]]), set: new Map([[FLASHES, joined(flashes, before, json)]]) };
  };
}

/** A request took the messages it found; what is stored now came from others since, and goes behind. */
function joined(own: string, stored: string | null, json: TaggedJSONSerializer): string {
  if (stored === null) return own;
  const [mine, theirs] = [json.loads(own), json.loads(stored)];
  return json.dumps([mine, theirs].flat());
}

function only(fields: Fields, keys: readonly string[]): Fields {
  return new Map([...fields].filter(([key]) => keys.includes(key)));
}
