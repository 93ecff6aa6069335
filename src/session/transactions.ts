import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { SessionChanges, Transactions } from "./changes.ts";

/** The functions of each key as one function of its stored text, for a store to repeat. */
export function onTexts(
  transactions: Transactions,
  json: TaggedJSONSerializer,
): SessionChanges["transactions"] {
  const repeat = (changes: readonly ((value: unknown) => unknown)[], text: string | null): string | null => {
    const before = text === null ? undefined : json.loads(text);
    const after = changes.reduce((value, change) => change(value), before);
    return after === undefined ? null : json.dumps(after);
  };
  return new Map(
    [...transactions].map(([key, changes]) => [key, (text: string | null) => repeat(changes, text)]),
  );
}

/** Removes those that are stored by now, and leaves what was called since. */
export function forget(transactions: Transactions, stored: Transactions): void {
  for (const [key, first] of stored) {
    const all = transactions.get(key);
    if (all === first) transactions.delete(key);
    else if (all?.[0] === first[0]) transactions.set(key, all!.slice(first.length));
  }
}
