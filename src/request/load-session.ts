import { getSession } from "./context.ts";
import { stateOf, type Session } from "../session/session.ts";

/**
 * Loads the session of a request from its store, if the option `lazy` is set; otherwise it is already loaded. Call it once
 * before the first use, in a handler or in a middleware of the routes that need a session; using a session before that
 * throws `SessionNotLoadedError`.
 *
 * @param request the framework's own object for the request; default: the request being handled
 * @returns the session itself
 * @throws OutsideRequestError if there is no request; rejects with StoreError if the store fails
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
