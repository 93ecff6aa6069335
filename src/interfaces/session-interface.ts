import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Session } from "../session/session.ts";

/** The parts of a request that a session uses. A Fetch API `Request` can be passed as it is. */
export interface SessionRequest {
  /** HTTP method, if the adapter knows it. */
  readonly method?: string | undefined;
  /**
   * The URL or its path, if the adapter knows it. Used for display, for `cookieSecure: "auto"`, and to delete cookies
   * under other domains and paths.
   */
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null };
  /**
   * The request came over HTTPS, according to the framework's proxy settings. Default: whether `url` begins with
   * `https:`.
   */
  readonly secure?: boolean | undefined;
  /** The request is a WebSocket handshake, so no cookie can be sent. Default false. */
  readonly isHandshake?: boolean | undefined;
  /** The response cannot set a cookie: the session is read and never saved. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** The parts of a response that a save uses, before its headers are sent. A Fetch API `Response` can be passed as it is. */
export interface SessionResponse {
  /** HTTP status, if the adapter knows it. */
  readonly status?: number | undefined;
  readonly headers: ResponseHeaders;
}

/**
 * Opens and saves sessions, like Flask's `app.session_interface`. Pass your own as `sessions({ sessionInterface })`.
 *
 * The contract:
 * - `openSession` is called once at the start of each request, before any handler. It may verify the cookie later, at the
 *   first access to the session. An invalid cookie gives an empty session, not an error. Returning null or undefined
 *   makes a null session: it is empty, and writing to it throws.
 * - `saveSession` is called once, after the handler and before the headers are sent, also for error pages. When it
 *   returns, or the promise that it returned resolves, everything is saved. It is not called for null sessions.
 * - Either may be asynchronous. If it throws or rejects, the response is an error.
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
  /** @param request the same object that `openSession` was called with */
  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void>;
  /**
   * Optional, for sessions in a store: saves the changes made so far, during the request; `saveSession` then saves the
   * changes made since. Without it, everything is saved by `saveSession`, and sockets can only read.
   *
   * @throws SessionLostError if the session has ended
   */
  commitSession?: ((session: Session, request: SessionRequest) => Promise<void>) | undefined;
  /**
   * Optional: reads the session again and discards unsaved changes. Default: calls `openSession` again.
   *
   * @throws SessionLostError if the session has ended
   */
  reloadSession?: ((session: Session, request: SessionRequest) => Promise<void>) | undefined;
  /** Optional: the name of its cookie. For one request, two interfaces with the same name are refused. Flask: `get_cookie_name`. */
  getCookieName?: (() => string) | undefined;
  /** Closes the connections that the interface opened itself; called by `manager.close()`. */
  close?(): void | Promise<void>;
}
