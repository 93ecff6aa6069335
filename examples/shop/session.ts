import { session as current, type Session } from "hipflask";

/** What the shop remembers of a visitor between two requests. All of it travels in the cookie. */
export interface ShopSession {
  username: string;
  /** Good → how many. */
  cart: Record<string, number>;
  /** Number the cart will be ordered under, given to it with its first good. */
  order: string;
  /** Number of the order just placed, so that its receipt can be shown to its owner alone. */
  lastOrder: string;
}

/**
 * The visitor's session, usable in any function called during a request. (An app with one kind of session declares
 * `SessionData` of "hipflask" instead and needs no file like this.)
 */
export const session = current as Session<ShopSession>;
