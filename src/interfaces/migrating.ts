import type { Accepted, AcceptedContent, AcceptedCookie } from "../accepts/accepted-cookie.ts";
import { dumpCookie, parseCookie } from "../cookie.ts";
import { UnserializableError } from "../errors.ts";
import { events } from "../events.ts";
import type { ResponseHeaders } from "../response-headers.ts";
import type { SessionState } from "../session-state.ts";
import { stateOf, type Session } from "../session.ts";
import type { CookieSessionInterface } from "./cookie-interface.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "./session-interface.ts";

/** An old cookie that became a session of ours. */
interface Migration {
  readonly from: AcceptedCookie;
  readonly cookieNames: readonly string[];
  /** Key of the record in the old store, where it had one. */
  readonly id: string | undefined;
}

/**
 * Sessions that may still be in another library's cookie: opened from it when there is none of ours, saved as ours, and
 * then the old cookie is expired. A visitor without an old cookie pays for nothing.
 */
export class MigratingSessionInterface implements SessionInterface {
  readonly #interface: CookieSessionInterface;
  readonly #accepts: readonly AcceptedCookie[];
  readonly #migrations = new WeakMap<object, Migration>();

  constructor(sessionInterface: CookieSessionInterface, accepts: readonly AcceptedCookie[]) {
    this.#interface = sessionInterface;
    this.#accepts = accepts;
  }

  /** The interface that sessions are saved through. */
  get target(): CookieSessionInterface {
    return this.#interface;
  }

  openSession(request: SessionRequest): Session | Promise<Session> {
    const opened = this.#interface.openSession(request) as Session | Promise<Session>;
    const header = request.headers.get("Cookie") ?? "";
    const candidates = this.#accepts.filter(({ cookieName }) => header.includes(cookieName));
    return candidates.length === 0
      ? opened
      : this.#migrate(opened, new Map(parseCookie(header).toReversed()), candidates);
  }

  saveSession(session: Session, response: SessionResponse): void | Promise<void> {
    const migration = this.#migrations.get(stateOf(session));
    if (migration === undefined) return this.#interface.saveSession(session, response);
    return this.#saveMigrated(session, response, migration);
  }

  async #saveMigrated(session: Session, response: SessionResponse, migration: Migration): Promise<void> {
    const headers = new ObservedHeaders(response.headers);
    await this.#interface.saveSession(session, { status: response.status, headers });
    // As long as ours was not sent, the old cookie is the only one the visitor has.
    if (!headers.hasCookie) return;
    const { from, cookieNames, id } = migration;
    for (const name of cookieNames) {
      if (name === this.#interface.getCookieName()) continue;
      const { path, domain } = from;
      headers.append("Set-Cookie", dumpCookie(name, "", { path, domain, expires: 0, maxAge: 0 }));
    }
    if (id !== undefined) await from.store?.destroy?.(id);
  }

  async #migrate(
    opened: Session | Promise<Session>,
    cookies: ReadonlyMap<string, string>,
    candidates: readonly AcceptedCookie[],
  ): Promise<Session> {
    const session = await opened;
    const state = stateOf(session);
    const isOurs = state.size > 0;
    state.accessed = false;
    if (isOurs || state.isNull) return session;
    const { now: clock, misfit, onRefused } = this.#interface.config;
    const now = clock();
    for (const from of candidates) {
      const accepted = from.decode(cookies, { now });
      const content = accepted.ok ? await contentOf(from, accepted, now) : undefined;
      if (!accepted.ok || content === undefined || !fill(session, content)) continue;
      if (misfit?.(state.fields()) !== undefined) {
        empty(state);
        events.refused({ cookieName: from.cookieName, reason: "schema" });
        onRefused?.("schema");
        continue;
      }
      const id = accepted.kind === "id" ? accepted.id : undefined;
      this.#migrations.set(state, { from, cookieNames: accepted.cookieNames, id });
      events.migrated({ from: from.name, cookieName: from.cookieName });
      return session;
    }
    return session;
  }
}

/** The data behind an accepted cookie; `undefined` if there is none any more. */
async function contentOf(
  { store, readRecord }: AcceptedCookie,
  accepted: Accepted & { ok: true },
  now: number,
): Promise<AcceptedContent | undefined> {
  if (accepted.kind !== "id") return accepted;
  const record = await store?.get(accepted.id);
  const content = record === undefined || record === null ? undefined : readRecord?.(record, { now });
  return typeof content === "string" ? undefined : content;
}

/** @returns whether the session now holds what the old one held */
function fill(session: Session, content: AcceptedContent): boolean {
  if (content.kind === "id") return false;
  const state = stateOf(session);
  if (content.kind === "fields") {
    state.adopt(content.fields);
    return true;
  }
  try {
    for (const [key, value] of Object.entries(content.data)) state.set(key, value);
    for (const [category, message] of Object.entries(content.flash ?? {})) {
      if (typeof message === "string") session.flash(message, category);
      else state.set(category, message);
    }
    return true;
  } catch (error) {
    if (!(error instanceof UnserializableError)) throw error;
    empty(state);
    return false;
  }
}

function empty(state: SessionState): void {
  state.adopt(new Map());
  state.modified = false;
}

/** Notices whether a cookie was set. */
class ObservedHeaders implements ResponseHeaders {
  hasCookie = false;
  readonly #headers: ResponseHeaders;

  constructor(headers: ResponseHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    return this.#headers.get(name);
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  append(name: string, value: string): void {
    this.hasCookie ||= name === "Set-Cookie";
    this.#headers.append(name, value);
  }
}
