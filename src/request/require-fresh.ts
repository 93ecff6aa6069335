import { getSession } from "./context.ts";
import { ConfigError, NotFreshError } from "../errors.ts";
import { stateOf } from "../session/session.ts";

/**
 * Throws unless the owner logged in recently. Call it before a change of password or a payment: it stops a person who found the
 * owner's browser open, or stole a cookie. Logging in is assigning `session.owner`, also to the same owner again.
 *
 * @param maxAge seconds since the login, by the store's clock
 * @throws NotFreshError (403) for strangers and for older logins; ConfigError without a store, and for what is no number of seconds
 * @example
 * ```ts
 * import { NotFreshError, requireFresh, session } from "hipflask";
 *
 * export function changeAddress(address: string): Response {
 *   try {
 *     requireFresh(5 * 60);
 *   } catch (error) {
 *     if (error instanceof NotFreshError) return Response.redirect("https://shop.example/login", 303);
 *     throw error;
 *   }
 *   session.address = address;
 *   return new Response("saved");
 * }
 * ```
 */
export function requireFresh(maxAge: number): void {
  // What is no number is neither more nor less than an age, so that everybody would pass.
  if (typeof maxAge !== "number" || !(maxAge >= 0))
    throw new ConfigError("requireFresh takes a number of seconds, as in requireFresh(300).");
  const { loginAge } = stateOf(getSession());
  if (loginAge === undefined)
    throw new ConfigError("requireFresh needs sessions on a server: pass a `store` to `sessions({ … })`.");
  if (loginAge === null || loginAge > maxAge * 1000) throw new NotFreshError();
}
