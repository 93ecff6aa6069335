import type { Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";

/** The functions passed to `session.transact`, by key, in the order of the calls. */
export type Transactions = Map<string, readonly ((value: unknown) => unknown)[]>;

/** The initial content of a session. */
export interface Opened {
  readonly fields: Fields;
  /** Epoch seconds at which the fields were written, if the format contains the time. */
  readonly writtenAt?: number | undefined;
}

/** Options of a session's state. */
export interface SessionStateOptions {
  /** Opens the session; called once, at the first access. Default: an empty session. */
  readonly open?: () => Opened;
  readonly json?: TaggedJSONSerializer;
  /** A session without a secret key: it is empty, and every write throws. */
  readonly isNull?: boolean;
  /** Detect changes inside nested values, unlike Flask. Default true. */
  readonly trackNested?: boolean;
  readonly isNew?: boolean;
}

/** The changes of a request to its session by key, compared with the opened session. */
export interface SessionChanges {
  /** New and changed values, serialized. */
  readonly set: Fields;
  readonly unset: readonly string[];
  /** Only these keys are kept, including those that other requests wrote; `undefined`: all are kept. */
  readonly keep: readonly string[] | undefined;
  /** Functions that compute a key's new JSON text from the old one; `null` means absent. */
  readonly transactions: ReadonlyMap<string, (text: string | null) => string | null>;
}

/** The state of a session at one time, to be stored. */
export interface Checkpoint {
  readonly fields: Fields;
  readonly changes: SessionChanges;
  /** The functions of `changes.transactions` as the handler passed them, and the number of edits. */
  readonly transactions: Transactions;
  readonly edits: number;
}

/** What a request did to the identity of its session: kept it, requested a new one, or ended the session. */
export type IdentityChange = "kept" | "regenerated" | "destroyed";

/** Combines the functions of each key into one of its stored JSON text, which a store can repeat. */
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

/** Removes the functions whose results are stored, and keeps those called since. */
export function forget(transactions: Transactions, stored: Transactions): void {
  for (const [key, first] of stored) {
    const all = transactions.get(key);
    if (all === first) transactions.delete(key);
    else if (all?.[0] === first[0]) transactions.set(key, all!.slice(first.length));
  }
}
