import { getSession } from "./context.ts";
import { checkNumber } from "../check-options.ts";
import { ConfigError, NotFreshError } from "../errors.ts";
import { stateOf } from "../session/session.ts";

/**
 * Throws unless the owner logged in recently. Call it before a change of password or a payment: it stops someone who uses
 * the owner's open browser or a stolen cookie. Assigning `session.owner` is a login, also of the same owner.
 *
 * @param maxAge seconds since the login, by the store's clock
 * @throws NotFreshError (403) without a login, and for an older one; ConfigError without a store, and for an invalid `maxAge`
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
  checkNumber("maxAge", maxAge, 0);
  const { loginAge } = stateOf(getSession());
  if (loginAge === undefined)
    throw new ConfigError("requireFresh needs sessions on a server: pass a `store` to `sessions({ … })`.");
  if (loginAge === null || loginAge > maxAge * 1000) throw new NotFreshError();
}
