import type { Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";

/** What `session.transact` was called with, by key, in the order of the calls. */
export type Transactions = Map<string, readonly ((value: unknown) => unknown)[]>;

/** What a session is made from at its first access. */
export interface Opened {
  readonly fields: Fields;
  /** Epoch seconds at which the fields were written, where the format says. */
  readonly writtenAt?: number | undefined;
}

/** How a session comes to life and what it may do. */
export interface SessionStateOptions {
  /** Called once, at the first access. Default: an empty session. */
  readonly open?: () => Opened;
  readonly json?: TaggedJSONSerializer;
  /** A session without a secret key: reading sees nothing, every write throws. */
  readonly isNull?: boolean;
  /** Notice changes inside nested values. Flask does not. Default true. */
  readonly trackNested?: boolean;
  readonly isNew?: boolean;
}

/** What a request did to its session, key by key, compared with what it was opened with. */
export interface SessionChanges {
  /** Strings that are new or different. */
  readonly set: Fields;
  readonly unset: readonly string[];
  /** Only these keys survive, also of what other requests wrote; `undefined`: all survive. */
  readonly keep: readonly string[] | undefined;
  /** Keys whose new string depends on the old one, with the function that makes it; `null` means absent. */
  readonly transactions: ReadonlyMap<string, (text: string | null) => string | null>;
}

/** What there is to store as of one moment. */
export interface Checkpoint {
  readonly fields: Fields;
  readonly changes: SessionChanges;
  /** The functions of `changes.transactions` as the handler gave them, and how many edits there had been. */
  readonly transactions: Transactions;
  readonly edits: number;
}

/** What a request did to the identity of its session: kept it, asked for a new one, or ended the session. */
export type IdentityChange = "kept" | "regenerated" | "destroyed";

/** The functions of each key as one function of its stored string, for a store to repeat. */
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
