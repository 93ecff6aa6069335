import { checkOptions } from "../check-options.ts";
import { tuple } from "../json/values.ts";
import type { SessionState } from "./state.ts";

/**
 * The categories of flashed messages and the type of their messages. Empty, so that any are allowed; augment it in your app
 * to type `flash` and `getFlashedMessages`.
 *
 * @example
 * ```ts
 * import { session } from "hipflask";
 * declare module "hipflask" {
 *   interface FlashMessages {
 *     message: string;
 *     added: { item: string; price: number };
 *   }
 * }
 * export const added = () => session.flash({ item: "tea", price: 3.5 }, "added");
 * export const prices = () => session.getFlashedMessages({ categoryFilter: ["added"] }).map(({ price }) => price);
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- made to be augmented
export interface FlashMessages {}

/** Options of `getFlashedMessages`. */
export interface FlashedMessagesOptions<Category = unknown> {
  /** Return `[category, message]` pairs instead of messages. Default false. */
  readonly withCategories?: boolean;
  /** Return only messages of these categories; the others are removed as well, as in Flask. Default: all. */
  readonly categoryFilter?: readonly Category[];
}

type WithCategories<Category> = FlashedMessagesOptions<Category> & { readonly withCategories: true };
type WithoutCategories<Category> = FlashedMessagesOptions<Category> & { readonly withCategories?: false };

/** `session.flash`, typed by {@link FlashMessages}. */
export type FlashMethod = keyof FlashMessages extends never
  ? (message: unknown, category?: unknown) => void
  : {
      <Category extends keyof FlashMessages>(message: FlashMessages[Category], category: Category): void;
      (message: FlashMessages extends { message: infer Message } ? Message : never): void;
    };

/** `session.getFlashedMessages`, typed by {@link FlashMessages}. */
export type GetFlashedMessagesMethod = keyof FlashMessages extends never
  ? {
      // oxlint-disable-next-line typescript/no-explicit-any -- whatever was flashed
      (options?: WithoutCategories<unknown>): any[];
      // oxlint-disable-next-line typescript/no-explicit-any -- whatever was flashed
      (options: WithCategories<unknown>): [category: any, message: any][];
    }
  : {
      <Category extends keyof FlashMessages = keyof FlashMessages>(
        options?: WithoutCategories<Category>,
      ): FlashMessages[Category][];
      <Category extends keyof FlashMessages = keyof FlashMessages>(
        options: WithCategories<Category>,
      ): { [Key in Category]: [category: Key, message: FlashMessages[Key]] }[Category][];
    };

type Flash = readonly [category: unknown, message: unknown];

/** The key of the list of flashed messages in a session, as in Flask. */
export const FLASHES = "_flashes";
/** Messages removed in this request, so that a second call returns them again. */
const taken = new WeakMap<SessionState, readonly Flash[]>();

/** Appends the tuple (category, message) to the list under `_flashes`, like Flask. */
export function flash(state: SessionState, message: unknown, category: unknown = "message"): void {
  const waiting = state.get(FLASHES);
  state.set(FLASHES, [...(Array.isArray(waiting) ? waiting : []), tuple(category, message)]);
}

/** Removes the list under `_flashes`, once per request, and returns its messages. */
export function getFlashedMessages(state: SessionState, options: FlashedMessagesOptions = {}): unknown[] {
  checkOptions("getFlashedMessages", withoutMark(options), {
    withCategories: "boolean",
    categoryFilter: "list",
  });
  const { withCategories = false, categoryFilter = [] } = options;
  let flashes = taken.get(state);
  if (flashes === undefined) {
    const waiting = state.get(FLASHES);
    if (state.has(FLASHES)) state.delete(FLASHES);
    flashes = Array.isArray(waiting) ? waiting.filter(isFlash) : [];
    taken.set(state, flashes);
  }
  const wanted = categoryFilter.length === 0 ? flashes : flashes.filter(isOneOf(categoryFilter, state));
  return wanted.map(([category, message]) => (withCategories ? [category, message] : message));
}

/** Categories can be any values, so their JSON texts are compared. */
function isOneOf(categories: readonly unknown[], { json }: SessionState): (flash: Flash) => boolean {
  const texts = new Set(categories.map((category) => json.dumps(category)));
  return ([category]) => texts.has(json.dumps(category));
}

/** Another program with the key may have written anything; items other than pairs are ignored. */
export function isFlash(item: unknown): item is Flash {
  return Array.isArray(item) && item.length === 2;
}

/** Nunjucks, a port of Jinja, adds a mark to the object of keyword arguments, as in `getFlashedMessages(withCategories=true)`. */
function withoutMark(options: FlashedMessagesOptions): FlashedMessagesOptions {
  if (typeof options !== "object" || options === null || !("__keywords" in options)) return options;
  const { __keywords: _, ...given } = options;
  return given;
}
