import { getSession } from "./context.ts";
import { stateOf, type Session } from "../session/session.ts";

/**
 * Fetches the session of a request from its store, where the option `lazy` left that to you; everywhere else it is there
 * already. Call it once before the first use, in a handler or in a middleware of the routes that need a session; using
 * one that was not fetched throws `SessionNotLoadedError`.
 *
 * @param request the framework's own object for the request; default: the request being handled
 * @returns the session itself
 * @throws OutsideRequestError if there is no request; rejects with StoreError if the store cannot be asked
 * @example
 * ```ts
 * import { loadSession, session } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * const withSession = sessions({ secretKey: "dev", store: memoryStore(), storeOptions: { lazy: true } });
 * export default {
 *   fetch: withSession(async (request: Request) => {
 *     if (new URL(request.url).pathname === "/logo.svg") return new Response("<svg/>"); // asks no store
 *     await loadSession();
 *     return new Response(`hello, ${session.username ?? "stranger"}`);
 *   }),
 * };
 * ```
 */
export async function loadSession(request?: object): Promise<Session> {
  const session = getSession(request);
  await stateOf(session).load();
  return session;
}
