import { checkNames } from "../check-options.ts";
import { getSession, hasSession } from "../request/context.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { withoutHelp } from "../help.ts";
import { MigratingSessionInterface } from "../interfaces/migrating.ts";
import { SecureCookieSessionInterface } from "../interfaces/secure-cookie.ts";
import type { SessionInterface } from "../interfaces/session-interface.ts";
import { StoreSessionInterface } from "../interfaces/store.ts";
import { WRAP_INTERFACE, type SessionManager } from "../manager/manager.ts";
import { listen } from "./flow-events.ts";
import { RequestLog } from "./request-log.ts";
import { isSameOrigin, readForm } from "./form.ts";
import type { OwnerSessions } from "./owner-view.ts";
import { page, PAGE_HEADERS, type Shown } from "./page.ts";
import { inspectPasted } from "./pasted-cookie.ts";
import { WatchedSessions } from "./watched-sessions.ts";

/** Options of the inspector. */
export interface InspectorOptions {
  /**
   * Decides whether a request may see the page. Only `true`, or a promise of it, allows access. Behind `sessions(manager)`
   * it can use `session`. No default.
   */
  readonly authorize: (request: Request) => boolean | Promise<boolean>;
  /** Number of recent requests to keep, 1 to 1000. Default 50. */
  readonly keep?: number | undefined;
}

/** Handles the requests for the inspector's page. */
export type Inspector = (request: Request) => Promise<Response>;

/**
 * A page that shows the steps of each request – cookie, `openSession`, handler, `saveSession`, Set-Cookie – shows the
 * content of a cookie, and with a store lists and ends the sessions of an owner. Records requests from this call on. Mount
 * it at one path, for GET and POST.
 *
 * It keeps names of keys, sizes, times and reasons of requests; never a cookie, a secret or a value. It shows the data of a
 * cookie that an authorised user pastes, without storing it.
 *
 * @throws ConfigError without `authorize`
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { session, SessionManager } from "hipflask";
 * import { sessions } from "hipflask/hono";
 * import { inspector } from "hipflask/inspector";
 *
 * const manager = new SessionManager({ secretKey: process.env.SECRET_KEY });
 * const inspect = inspector(manager, { authorize: () => session.role === "admin" });
 *
 * const app = new Hono();
 * app.use(sessions(manager));
 * app.on(["GET", "POST"], "/admin/sessions", (c) => inspect(c.req.raw));
 * export default app;
 * ```
 */
export function inspector(sessions: SessionManager, options: InspectorOptions): Inspector {
  const { authorize, keep = 50 } = (options ?? {}) as Partial<InspectorOptions>;
  if (typeof authorize !== "function") {
    throw new ConfigError(
      "The inspector shows who is logged in, so it needs `authorize`, a function that decides which requests may see it.",
    );
  }
  checkNames("inspector", options, ["authorize", "keep"]);
  if (!Number.isInteger(keep) || keep < 1 || keep > 1000) {
    throw new ConfigError('"keep" must be a whole number from 1 to 1000.');
  }
  const log = new RequestLog(keep);
  const target = targetOf(sessions.sessionInterface);
  const cookieName = isKnown(target) ? target.getCookieName() : undefined;
  let watching: WatchedSessions | undefined;
  sessions[WRAP_INTERFACE]((inner) => (watching = new WatchedSessions(inner, log, cookieName)));
  listen();
  const hasStore = target instanceof StoreSessionInterface;

  const show = (more: Partial<Shown> = {}, status = 200): Response =>
    new Response(page({ home: homeOf(target), count: log.count, traces: log.traces, hasStore, ...more }), {
      status,
      headers: PAGE_HEADERS,
    });

  const get = async (request: Request): Promise<Response> => {
    const query = new URL(request.url).searchParams;
    if (query.get("since") === String(log.count)) return new Response(null, { status: 204, headers: bare() });
    const owner = query.get("owner");
    if (owner === null || !hasStore) return show();
    const asked = await ask(sessions, owner);
    return show({ asked }, typeof asked.sessions === "string" ? 503 : 200);
  };

  const post = async (request: Request): Promise<Response> => {
    if (!isSameOrigin(request)) return refuse(403, "The form was sent from another site.");
    try {
      const form = await readForm(request);
      if (form === undefined) return refuse(413, "The form is too long.");
      const owner = form.get("owner") ?? "";
      switch (form.get("action")) {
        case "inspect":
          return show({ pasted: await inspectPasted(form.get("cookie") ?? "", target) });
        case "revoke":
          await sessions.destroy(form.get("selector") ?? "");
          return backTo(owner);
        case "revoke-all":
          await sessions.destroyAll(owner);
          return backTo(owner);
        default:
          return refuse(400, "Unknown action.");
      }
    } catch (error) {
      if (error instanceof StoreError) return refuse(503, "The store does not respond; try again later.");
      if (error instanceof ConfigError) return refuse(400, withoutHelp(error.message));
      throw error;
    }
  };

  return async (request) => {
    if (hasSession()) watching?.ignore(getSession());
    if ((await authorize(request)) !== true) return refuse(403, "You are not allowed to use the inspector.");
    if (request.method === "POST") return post(request);
    if (request.method === "GET" || request.method === "HEAD") return get(request);
    return refuse(405, "Use GET or POST.");
  };
}

async function ask(sessions: SessionManager, owner: string): Promise<OwnerSessions> {
  try {
    const current = hasSession() ? getSession() : undefined;
    return { owner, sessions: await sessions.list(owner, current && { current }) };
  } catch (error) {
    if (error instanceof StoreError)
      return { owner, sessions: "The store does not respond; try again later." };
    throw error;
  }
}

/** The interface that has the cookie, inside the one that reads other libraries' cookies too. */
function targetOf(sessions: SessionInterface): SessionInterface {
  return sessions instanceof MigratingSessionInterface ? sessions.target : sessions;
}

function isKnown(target: SessionInterface): target is SecureCookieSessionInterface | StoreSessionInterface {
  return target instanceof SecureCookieSessionInterface || target instanceof StoreSessionInterface;
}

function homeOf(target: SessionInterface): string {
  if (!isKnown(target)) return "a custom session interface";
  const name = `cookie "${target.getCookieName()}"`;
  if (target instanceof StoreSessionInterface) return `${name}: a random token; the data is in the store`;
  const { codec } = target.config;
  return codec === null
    ? `${name}: no secret key, so nothing is saved`
    : `${name}: the session data, in the format "${codec.name}"`;
}

/** Redirects to the list of the form, relative to the mount path. */
function backTo(owner: string): Response {
  const location = `?${new URLSearchParams({ owner }).toString()}`;
  return new Response(null, { status: 303, headers: { ...bare(), Location: location } });
}

function refuse(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...PAGE_HEADERS, "Content-Type": "text/plain; charset=utf-8" },
  });
}

function bare(): Record<string, string> {
  const { "Content-Type": _, ...headers } = PAGE_HEADERS;
  return headers;
}
