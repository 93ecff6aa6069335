import { setTimeout as sleep } from "node:timers/promises";
import { SessionConflictError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import type { Answer, Change, Gone, Ok, SessionStore, Stale } from "./verbs.ts";

/** How often to try again when other requests are faster. */
export interface TransactOptions {
  /** Attempts before a `SessionConflictError`. Default 100. */
  readonly attempts?: number;
  /** The fields as last read, which spares a read. Need not be up to date. */
  readonly fields?: Fields | undefined;
}

/** A transaction that went through: the field before and after, as JSON text, `null` meaning absent. */
export interface Transacted extends Ok {
  readonly before: string | null;
  readonly after: string | null;
}

const ATTEMPTS = 100;
const LONGEST_WAIT = 20;

/**
 * Replaces one field by a function of itself, atomically: `fn` runs again on the newer text when another request was
 * faster. Counters, appending to a list and removing from it are all this.
 *
 * @throws SessionConflictError after `attempts`; nothing was written then.
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { newToken } from "hipflask/stores/token";
 * import { transact } from "hipflask/stores/transact";
 *
 * const store = memoryStore();
 * const { selector, verifierHash } = newToken();
 * await store.create({ selector, verifierHash, fields: new Map(), expiry: { idle: 3600 } });
 * const visit = () => transact(store, selector, verifierHash, "visits", (text) => String(Number(text ?? 0) + 1));
 * await Promise.all([visit(), visit()]); // 2, whatever the order
 * ```
 */
export async function transact(
  store: SessionStore,
  selector: string,
  presented: string,
  key: string,
  fn: (text: string | null) => string | null,
  options: TransactOptions = {},
): Promise<Transacted | Gone | Stale> {
  let before: string | null = null;
  let after: string | null = null;
  const answer = await patchWith(
    store,
    selector,
    presented,
    (fields) => {
      before = fields.get(key) ?? null;
      after = fn(before);
      const expect = new Map([[key, before]]);
      return after === null ? { expect, unset: [key] } : { expect, set: new Map([[key, after]]) };
    },
    options,
  );
  return answer.status === "ok" ? { ...answer, before, after } : answer;
}

/**
 * Reads a field and removes it, atomically: of all parallel callers exactly one gets the text, the others `null`. This
 * is how one-time messages are delivered once (SEC-14).
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { newToken } from "hipflask/stores/token";
 * import { take } from "hipflask/stores/transact";
 *
 * const store = memoryStore();
 * const { selector, verifierHash } = newToken();
 * const fields = new Map([["notice", '"saved"']]);
 * await store.create({ selector, verifierHash, fields, expiry: { idle: 3600 } });
 * const read = () => take(store, selector, verifierHash, "notice");
 * console.log(await Promise.all([read(), read()])); // one '"saved"', one null
 * ```
 */
export async function take(
  store: SessionStore,
  selector: string,
  presented: string,
  key: string,
  options: TransactOptions = {},
): Promise<string | null> {
  const answer = await transact(store, selector, presented, key, () => null, options);
  return answer.status === "ok" ? answer.before : null;
}

/**
 * Applies a change that depends on what is stored: `change` is called with the fields and should `expect` what it
 * relied on; it is called again with the newer fields when that did not hold.
 *
 * @throws SessionConflictError after `attempts`; nothing was written then.
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { newToken } from "hipflask/stores/token";
 * import { patchWith } from "hipflask/stores/transact";
 *
 * const store = memoryStore();
 * const { selector, verifierHash } = newToken();
 * await store.create({ selector, verifierHash, fields: new Map([["cart", "[1]"]]), expiry: { idle: 3600 } });
 * // Moves a field, unless somebody changes it in between.
 * await patchWith(store, selector, verifierHash, (fields) => {
 *   const cart = fields.get("cart") ?? null;
 *   return { expect: new Map([["cart", cart]]), set: new Map([["order", cart ?? "[]"]]), unset: ["cart"] };
 * });
 * ```
 */
export async function patchWith(
  store: SessionStore,
  selector: string,
  presented: string,
  change: (fields: Fields) => Change,
  options: TransactOptions = {},
): Promise<Ok | Gone | Stale> {
  const answer = await retried(async (fields) => {
    if (fields !== undefined) return store.patch(selector, presented, change(fields));
    const found = await store.read(selector);
    return found.status === "ok" ? store.patch(selector, presented, change(found.record.fields)) : found;
  }, options);
  if (answer.status === "conflict") throw new SessionConflictError(1);
  return answer;
}

/**
 * Tries again, with the newer fields, as long as the answer is that an expectation did not hold.
 *
 * @throws SessionConflictError after `attempts`; nothing was written then.
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { newToken } from "hipflask/stores/token";
 * import { retried } from "hipflask/stores/transact";
 *
 * const store = memoryStore();
 * const { selector, verifierHash } = newToken();
 * await store.create({ selector, verifierHash, fields: new Map([["n", "1"]]), expiry: { idle: 3600 } });
 * // Doubles the number, whatever it is by then; what was read before may be out of date.
 * const answer = await retried((fields = new Map()) => {
 *   const n = fields.get("n") ?? null;
 *   return store.patch(selector, verifierHash, {
 *     expect: new Map([["n", n]]),
 *     set: new Map([["n", String(2 * Number(n))]]),
 *   });
 * });
 * console.log(answer.status); // ok
 * ```
 */
export async function retried(
  attempt: (fields: Fields | undefined) => Promise<Answer>,
  { attempts = ATTEMPTS, fields }: TransactOptions = {},
): Promise<Answer> {
  for (let tried = 0; tried < attempts; tried++) {
    const answer = await attempt(fields);
    if (answer.status !== "conflict" || answer.reason !== "expected") return answer;
    fields = answer.record?.fields;
    // The first retry goes out at once; then random waits spread the crowd.
    if (tried > 0) await sleep(Math.random() * Math.min(LONGEST_WAIT, 2 ** tried));
  }
  throw new SessionConflictError(attempts);
}
