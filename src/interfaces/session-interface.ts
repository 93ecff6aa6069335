import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Session } from "../session/session.ts";

/** What a session needs to know of a request. A `Request` of the web fits as it is. */
export interface SessionRequest {
  /** HTTP method, where the adapter knows it. */
  readonly method?: string | undefined;
  /** The path at least, where the adapter knows it. For display; nothing relies on it. */
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null };
  /** The visitor came by HTTPS, by what the framework's own trust in proxies says. Default: as in `url`, if it is whole. */
  readonly secure?: boolean | undefined;
  /** A socket is being opened, so no cookie can be sent. Default false. */
  readonly isHandshake?: boolean | undefined;
  /** No answer can carry a cookie: the session will be read and never saved. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** What a session needs of a response that is about to leave. A `Response` of the web fits as it is. */
export interface SessionResponse {
  /** HTTP status, where the adapter knows it. */
  readonly status?: number | undefined;
  readonly headers: ResponseHeaders;
}

/**
 * Where sessions live between requests: the seam that Flask calls `app.session_interface`. Pass your own as
 * `sessions({ sessionInterface })`.
 *
 * Promises every interface keeps:
 * - `openSession` is called once at the start of each request, before any handler. It may do its work later, when the
 *   session is first looked at. It gives a session for any cookie, however broken: an empty one if need be. Null or
 *   undefined means that there can be no session, and makes one that can be read (it is empty) but not written.
 * - `saveSession` is called once, after the handler and before the first header leaves, also for error pages. When it
 *   returns (or what it returned resolves), everything is saved. It is not called for the null sessions above.
 * - Either may be asynchronous. What it throws becomes an error response, never a success.
 *
 * @example
 * ```ts
 * import { createSession, type Session, type SessionInterface } from "hipflask";
 *
 * const visits = new Map<string, Record<string, unknown>>();
 * export const byAddress: SessionInterface = {
 *   openSession: (request) => createSession(visits.get(request.headers.get("X-Real-IP") ?? "") ?? {}),
 *   saveSession(session: Session) {
 *     if (session.modified) visits.set("…", session.toJSON());
 *   },
 * };
 * ```
 */
export interface SessionInterface {
  openSession(request: SessionRequest): Session | null | undefined | Promise<Session | null | undefined>;
  /** @param request the very object that `openSession` was called with */
  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void>;
  /**
   * Optional, for sessions on a server: makes what has changed so far durable while the request goes on. What is saved
   * later is what changed since. Without it everything is saved by `saveSession`, and sockets can only read.
   *
   * @throws SessionLostError if the session ended meanwhile
   */
  commitSession?: ((session: Session, request: SessionRequest) => Promise<void>) | undefined;
  /**
   * Optional: reads the session again, and drops what was not saved. Default: opens the request once more.
   *
   * @throws SessionLostError if the session ended meanwhile
   */
  reloadSession?: ((session: Session, request: SessionRequest) => Promise<void>) | undefined;
  /** Closes what it opened itself; `manager.close()` calls it. */
  close?(): void | Promise<void>;
}
