import { session, SessionManager } from "hipflask";
import { sessions } from "hipflask/fetch";
import { durableObjectStore, type ObjectNamespace } from "hipflask/stores/durable-object";
import { page } from "./page.ts";

// Each record of a session lives in an object of this class, which wrangler.jsonc binds as SESSIONS.
export { HipflaskSession } from "hipflask/stores/durable-object";

/** What wrangler.jsonc and `wrangler secret put` give. */
export interface Env {
  readonly SECRET_KEY: string;
  readonly SESSIONS: ObjectNamespace;
}

function appOf(env: Env): (request: Request) => Promise<Response> {
  const manager = new SessionManager({
    secretKey: env.SECRET_KEY,
    store: durableObjectStore(env.SESSIONS),
    cookieSecure: "auto",
    crossOriginProtection: true,
  });

  return sessions(manager)(async (request) => {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        return page({ name: session.owner, count: session.get("count", 0) });
      case "POST /count":
        session.transact("count", (count = 0) => count + 1);
        return home();
      case "POST /login": {
        const name = (await request.formData()).get("name");
        if (typeof name !== "string" || name === "") return new Response("Bad Request\n", { status: 400 });
        // Check a password here. The session moves to a new token: one that was known before is not logged in.
        session.owner = name;
        return home();
      }
      case "POST /logout":
        session.clear();
        return home();
      case "POST /logout-everywhere":
        if (session.owner !== null) await manager.destroyAll(session.owner);
        return home();
    }
    return new Response("Not Found\n", { status: 404 });
  });
}

function home(): Response {
  return new Response(null, { status: 303, headers: { Location: "/" } });
}

let app: ((request: Request) => Promise<Response>) | undefined;

export default {
  // Made once for each isolate: what is bound is known at the first request.
  fetch: (request: Request, env: Env) => (app ??= appOf(env))(request),
};
