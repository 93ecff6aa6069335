import { shareClass } from "../copies.ts";
import type { Accepted, AcceptedContent, AcceptedCookie } from "../accepts/accepted-cookie.ts";
import { dumpCookie, parseCookie } from "../http/cookie.ts";
import { possibleDomains } from "../http/cookie-places.ts";
import { UnserializableError } from "../errors.ts";
import { events } from "./events.ts";
import { observed, type ResponseHeaders } from "../http/response-headers.ts";
import type { SessionState } from "../session/state.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { CookieSessionInterface } from "./cookie-interface.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "./session-interface.ts";
import { isEmpty } from "./decide.ts";

/** An old cookie that is good. */
interface OldSession {
  readonly from: AcceptedCookie;
  readonly cookieNames: readonly string[];
  /** Key of the record in the old store, where it had one. */
  readonly id: string | undefined;
}

/** A request that came with cookies that may be old ones. */
interface Migration {
  readonly cookies: ReadonlyMap<string, string>;
  readonly candidates: readonly AcceptedCookie[];
  /** What its session was opened from, unless there was one of ours. */
  readonly migrated: OldSession | undefined;
}

/** Prefixes of names that browsers set under these conditions only (RFC 6265bis §4.1.3). */
const SECURE_NAME = /^__(?:Secure|Host|Http|Host-Http)-/i;
const HOST_NAME = /^__Host-/i;
const HTTP_NAME = /^__(?:Host-)?Http-/i;

/**
 * Sessions that may still be in another library's cookie: opened from it when there is none of ours, saved as ours, and
 * then the old cookie is expired. A visitor without an old cookie pays for nothing.
 */
export class MigratingSessionInterface implements SessionInterface {
  readonly #interface: CookieSessionInterface;
  readonly #accepts: readonly AcceptedCookie[];
  readonly #migrations = new WeakMap<SessionRequest, Migration>();
  readonly commitSession: SessionInterface["commitSession"];
  readonly reloadSession: SessionInterface["reloadSession"];

  constructor(sessionInterface: CookieSessionInterface, accepts: readonly AcceptedCookie[]) {
    this.#interface = sessionInterface;
    this.#accepts = accepts;
    const { commitSession, reloadSession }: SessionInterface = sessionInterface;
    this.commitSession = commitSession?.bind(sessionInterface);
    this.reloadSession = reloadSession?.bind(sessionInterface);
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
      : this.#migrate(request, opened, new Map(parseCookie(header).toReversed()), candidates);
  }

  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void> {
    const migration = this.#migrations.get(request);
    if (migration === undefined) return this.#interface.saveSession(session, request, response);
    return this.#save(session, request, response, migration);
  }

  async #migrate(
    request: SessionRequest,
    opened: Session | Promise<Session>,
    cookies: ReadonlyMap<string, string>,
    candidates: readonly AcceptedCookie[],
  ): Promise<Session> {
    const session = await opened;
    const state = stateOf(session);
    // Whether there is one of ours decides it, so a lazy one is fetched.
    await state.load();
    // One of ours that is over has ended after the move: an old cookie beside it must not undo a logout.
    const isOurs =
      state.fields().size > 0 || state.ownerNow !== null || this.#interface.hasOwnCookie(request);
    if (state.isNull) return session;
    const migrated = isOurs ? undefined : await this.#takeOver(session, cookies, candidates);
    this.#migrations.set(request, { cookies, candidates, migrated });
    return session;
  }

  /** Fills the session from the first of the cookies that is good. */
  async #takeOver(
    session: Session,
    cookies: ReadonlyMap<string, string>,
    candidates: readonly AcceptedCookie[],
  ): Promise<OldSession | undefined> {
    const { now: clock, schemaMismatch, onRefused } = this.#interface.config;
    const now = clock();
    for (const from of candidates) {
      const accepted = from.decode(cookies, { now });
      if (!accepted.ok) continue;
      const content = await contentOf(from, accepted, now);
      if (content === undefined || !fill(session, content, from.permanent)) continue;
      if (schemaMismatch?.(stateOf(session).fields()) !== undefined) {
        empty(stateOf(session));
        events.refused({ cookieName: from.cookieName, reason: "schema" });
        onRefused?.("schema");
        continue;
      }
      events.migrated({ from: from.name, cookieName: from.cookieName });
      return oldSession(from, accepted);
    }
    return undefined;
  }

  async #save(
    session: Session,
    request: SessionRequest,
    response: SessionResponse,
    migration: Migration,
  ): Promise<void> {
    let hasCookie = false;
    const headers = observed(response.headers, (name) => (hasCookie ||= name === "Set-Cookie"));
    const state = stateOf(session);
    const isOver = state.wasDestroyed || (isEmpty(state.fields()) && state.ownerNow === null);
    await this.#interface.saveSession(session, request, { status: response.status, headers });
    // As long as ours was not sent, the old cookie is the only one the visitor has.
    if (!hasCookie) return;
    for (const old of this.#over(isOver, migration)) {
      this.#expire(old, request, headers);
      await this.#forget(old);
    }
  }

  /** The one that was taken over; and all of them at a logout, which one left behind would undo. */
  #over(isOver: boolean, { cookies, candidates, migrated }: Migration): OldSession[] {
    const taken = migrated === undefined ? [] : [migrated];
    if (!isOver) return taken;
    const now = this.#interface.config.now();
    const others = candidates.filter((from) => from !== migrated?.from);
    return taken.concat(
      others.flatMap((from) => {
        const accepted = from.decode(cookies, { now });
        return accepted.ok ? [oldSession(from, accepted)] : [];
      }),
    );
  }

  #expire({ from, cookieNames }: OldSession, request: SessionRequest, headers: ResponseHeaders): void {
    const { path } = from;
    // With a domain that was set and is not told, the old cookie would stay, and open a session again after the logout.
    const domains = from.domain === undefined ? possibleDomains(request) : [from.domain];
    // In a frame of another site only such a line counts.
    const isFramed = this.#interface.getCookieSameSite() === "None";
    for (const name of cookieNames) {
      if (name === this.#interface.getCookieName()) continue;
      for (const domain of HOST_NAME.test(name) ? [undefined] : domains) {
        const line = dumpCookie(name, "", {
          path,
          domain,
          expires: 0,
          maxAge: 0,
          secure: isFramed || SECURE_NAME.test(name),
          httpOnly: HTTP_NAME.test(name),
          sameSite: isFramed ? "None" : undefined,
        });
        headers.append("Set-Cookie", line);
      }
    }
  }

  /** The session is saved by now: a record that cannot be removed must not fail the response. */
  async #forget({ from, id }: OldSession): Promise<void> {
    try {
      if (id !== undefined) await from.store?.destroy?.(id);
    } catch (error) {
      events.recordKept({ from: from.name, error });
    }
  }
}

shareClass("MigratingSessionInterface", MigratingSessionInterface);

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

function oldSession(from: AcceptedCookie, accepted: Accepted & { ok: true }): OldSession {
  const id = accepted.kind === "id" ? accepted.id : undefined;
  return { from, cookieNames: accepted.cookieNames, id };
}

/** @returns whether the session now holds what the old one held */
function fill(session: Session, content: AcceptedContent, permanent: boolean | undefined): boolean {
  if (content.kind === "id") return false;
  const state = stateOf(session);
  if (content.kind === "fields") {
    state.adopt(content.fields);
    if (permanent !== undefined) state.permanent = permanent;
    return true;
  }
  try {
    for (const [key, value] of Object.entries(content.data)) state.set(key, value);
    for (const [category, message] of Object.entries(content.flash ?? {})) {
      if (typeof message === "string") session.flash(message, category);
      else state.set(category, message);
    }
    if ((permanent ?? content.permanent) && state.size > 0) state.permanent = true;
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
