import { notify } from "../callbacks.ts";
import { shareClass } from "../copies.ts";
import type { Accepted, AcceptedContent, AcceptedCookie } from "../accepts/accepted-cookie.ts";
import { cookieLine, parseCookie } from "../http/cookie.ts";
import { possibleDomains, possiblePaths } from "../http/cookie-places.ts";
import { UnserializableError } from "../errors.ts";
import { events } from "./events.ts";
import { observed, type ResponseHeaders } from "../http/response-headers.ts";
import type { SessionState } from "../session/state.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { CookieSessionInterface } from "./cookie-interface.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "./session-interface.ts";
import { isEmpty } from "./decide.ts";

/** A valid session in another library's cookie. */
interface OldSession {
  readonly from: AcceptedCookie;
  readonly cookieNames: readonly string[];
  /** Key of its record in the old store; `undefined` if the data was in the cookie. */
  readonly id: string | undefined;
}

/** The cookies of a request that may belong to other libraries. */
interface Migration {
  readonly cookies: ReadonlyMap<string, string>;
  readonly candidates: readonly AcceptedCookie[];
  /** The session that was migrated; `undefined` if there was none, or the request has a session of ours. */
  readonly migrated: OldSession | undefined;
}

/** Cookie name prefixes with which browsers require certain attributes (RFC 6265bis §4.1.3). */
const SECURE_NAME = /^__(?:Secure|Host|Http|Host-Http)-/i;
const HOST_NAME = /^__Host-/i;
const HTTP_NAME = /^__(?:Host-)?Http-/i;

/**
 * Migrates sessions from another library's cookie: if the request has no session of ours, the session is opened from that
 * cookie and saved as ours, and then the old cookie is deleted. Requests without an old cookie go straight to the
 * interface.
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

  getCookieName(): string {
    return this.#interface.getCookieName();
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
    // Whether to migrate depends on whether we have a session, so a lazy session is loaded here.
    await state.load();
    // A cookie of ours whose session has ended also counts: migrating the old cookie again would undo the logout.
    const isOurs =
      state.fields().size > 0 || state.ownerNow !== null || this.#interface.hasOwnCookie(request);
    if (state.isNull) return session;
    const migrated = isOurs ? undefined : await this.#migrateFrom(session, cookies, candidates);
    this.#migrations.set(request, { cookies, candidates, migrated });
    return session;
  }

  /** Fills the session from the first valid old cookie. */
  async #migrateFrom(
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
        reset(stateOf(session));
        events.refused.publish({ cookieName: from.cookieName, reason: "schema" });
        void notify(onRefused, "schema");
        continue;
      }
      events.migrated.publish({ from: from.name, cookieName: from.cookieName });
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
    // If our cookie was not sent, the old one is the only cookie the browser has.
    if (!hasCookie) return;
    for (const old of this.#sessionsToRemove(isOver, migration)) {
      this.#expireCookies(old, request, headers);
      await this.#removeRecord(old);
    }
  }

  /** The old session that was migrated; at a logout all old sessions, since any that stays would undo the logout. */
  #sessionsToRemove(isOver: boolean, { cookies, candidates, migrated }: Migration): OldSession[] {
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

  #expireCookies({ from, cookieNames }: OldSession, request: SessionRequest, headers: ResponseHeaders): void {
    // If the old cookie was set with a Domain or a Path that the options do not name, it must be deleted under each possible one.
    const domains = from.domain === undefined ? possibleDomains(request) : [from.domain];
    const paths = from.path === undefined ? possiblePaths(request) : [from.path];
    // In a cross-site frame, browsers only accept Set-Cookie with SameSite=None and Secure.
    const isFramed = this.#interface.getCookieSameSite() === "None";
    for (const name of cookieNames) {
      if (name === this.#interface.getCookieName()) continue;
      const isOnHost = HOST_NAME.test(name);
      const attributes = {
        expires: 0,
        maxAge: 0,
        secure: isFramed || SECURE_NAME.test(name),
        httpOnly: HTTP_NAME.test(name),
        sameSite: isFramed ? ("None" as const) : undefined,
      };
      for (const domain of isOnHost ? [undefined] : domains)
        for (const path of isOnHost ? ["/"] : paths)
          headers.append("Set-Cookie", cookieLine(name, "", { ...attributes, path, domain }));
    }
  }

  /** Removes the old record. The session is already saved, so a failure is reported and does not fail the response. */
  async #removeRecord({ from, id }: OldSession): Promise<void> {
    try {
      if (id !== undefined) await from.store?.destroy?.(id);
    } catch (error) {
      events.recordKept.publish({ from: from.name, error });
    }
  }
}

shareClass("MigratingSessionInterface", MigratingSessionInterface);

/** The data of an accepted cookie; `undefined` if its record no longer exists. */
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

/** Copies the old session's data into the session. @returns whether it succeeded */
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
    reset(state);
    return false;
  }
}

function reset(state: SessionState): void {
  state.adopt(new Map());
  state.modified = false;
}
