import { checkCount } from "../check-options.ts";
import { loadSession } from "./load-session.ts";
import { stateOf } from "../session/session.ts";

/**
 * Removes a key from the current session at once, before the request is answered, and returns its value: for values that
 * must be used once, such as the confirmation of a password reset, a voucher, a one-time form. Only one request gets the
 * value, even if it fails afterwards; concurrent and later ones get `undefined`.
 *
 * Only a store can guarantee that. A cookie can be sent twice, so there this is `session.pop(key)`.
 *
 * @throws OutsideRequestError; StoreError if the store fails
 * @example
 * ```ts
 * import { consume, session } from "hipflask";
 *
 * // The first step stores what the last one needs; the visitor is not logged in yet.
 * export function codeWasRight(email: string): void {
 *   session.set("reset", { email, until: Date.now() + 10 * 60_000 });
 * }
 *
 * export async function setPassword(password: string): Promise<string> {
 *   const reset = (await consume("reset")) as { email: string; until: number } | undefined;
 *   if (reset === undefined || reset.until < Date.now()) return "Begin again.";
 *   return `The password of ${reset.email} has ${password.length} characters now.`;
 * }
 * ```
 */
export async function consume(key: string): Promise<unknown> {
  checkCount("consume", arguments, 1, "write (await consume(key)) ?? fallback");
  const session = await loadSession();
  return stateOf(session).consume(key);
}
