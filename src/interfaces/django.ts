import { randomInt } from "node:crypto";
import { asciiDomain, candidatesOf, checkAttribute } from "../http/cookie.ts";
import type { CookieSettings } from "../http/cookie-settings.ts";
import { events } from "./events.ts";
import { formatHttpDate } from "../json/http-date.ts";
import type { Fields } from "../json/fields.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { stateOf, type Session } from "../session/session.ts";
import { djangoExpiry, type DjangoExpiry } from "./django/expiry.ts";
import { RecordSessionInterface, type PresentedKey, type RecordConfig } from "./record.ts";
import type { RecordSessionState } from "./record/state.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";

/** Configuration of Django's sessions, beside that of record and cookie. */
export interface DjangoConfig extends RecordConfig<string> {
  readonly expireAtBrowserClose: boolean;
  /** `TIME_ZONE` of a project with `USE_TZ = False`. */
  readonly timeZone: string;
  readonly saveOnError: boolean;
}

const KEY_LENGTH = 32;
const KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
/** Django's minimum key length. */
const SHORTEST_KEY = 8;
/** A session key; the database column holds at most 40 characters. */
const KEY = /^[a-z0-9]{8,40}$/;

/**
 * Reads and writes the sessions of Django's `SessionMiddleware` in its table: the same cookie, the same row, the same
 * decisions.
 *
 * Source: `django.contrib.sessions` (`middleware`, `backends.base`, `backends.db`) of Django 5.1.
 */
export class DjangoSessionInterface extends RecordSessionInterface<string, DjangoConfig> {
  async saveSession(session: Session, request: SessionRequest, response: SessionResponse): Promise<void> {
    const state = stateOf(session) as RecordSessionState<string>;
    const { accessed } = state;
    const fields = state.fields();
    const isEnded = state.identity === "destroyed";
    const isEmpty = (state.origin === undefined || isEnded) && fields.size === 0;
    if (isEmpty && isCookieStale(state, accessed, isEnded)) {
      await this.commit(state, "remove", false);
      varyOnCookie(response.headers);
      return this.#delete(response);
    }
    if (accessed) varyOnCookie(response.headers);
    const { refreshEachRequest, saveOnError } = this.config;
    const isFailure = (response.status ?? 200) >= 500 && !saveOnError;
    const isDue = !isEmpty && !isFailure && (state.modified || refreshEachRequest);
    const action = isDue ? (state.modified ? "write" : "touch") : "nothing";
    const result = await this.commit(state, action, isFailure);
    if (result === "removed") return this.#delete(response);
    // A failed request sets no cookie, except to send a new key: the old one no longer works.
    if (typeof result !== "object" || (!isDue && result.key === state.origin?.key)) return;
    this.send(response, this.#line(result.key, fields, request));
    events.saved({ outcome: action === "write" ? "write" : "refresh", cookieName: this.getCookieName() });
  }

  protected presentedKey(request: SessionRequest): PresentedKey {
    const [text] = candidatesOf(request.headers.get("Cookie") ?? "", this.getCookieName(), "python");
    if (text === undefined) return undefined;
    if (KEY.test(text)) return { key: text };
    return text.length < SHORTEST_KEY ? "malformed" : "unknown";
  }

  protected newKey(): string {
    return Array.from({ length: KEY_LENGTH }, () => KEY_CHARACTERS[randomInt(KEY_CHARACTERS.length)]).join(
      "",
    );
  }

  protected lifetimeOf(fields: Fields): number {
    return this.#expiryOf(fields).lifetime;
  }

  #expiryOf(fields: Fields): DjangoExpiry {
    const { lifetime: age, expireAtBrowserClose: atBrowserClose, timeZone, now } = this.config;
    return djangoExpiry(fields, { age, atBrowserClose, timeZone }, now());
  }

  /** The Set-Cookie value, its attributes sorted by name, as Python's `http.cookies` writes them. */
  #line(key: string, fields: Fields, request: SessionRequest): string {
    const { age, atBrowserClose } = this.#expiryOf(fields);
    const expires = atBrowserClose ? undefined : this.config.now() + age * 1000;
    const settings = this.cookieSettings();
    return [
      `${settings.cookieName}=${key}`,
      ...domainOf(settings),
      ...(expires === undefined ? [] : [`expires=${formatHttpDate(expires)}`]),
      ...(settings.cookieHttpOnly ? ["HttpOnly"] : []),
      ...(expires === undefined ? [] : [`Max-Age=${Math.trunc(age)}`]),
      ...pathAndSameSiteOf(settings),
      ...(this.isSecure(request, settings.cookieSecure) ? ["Secure"] : []),
    ].join("; ");
  }

  #delete(response: SessionResponse): void {
    const settings = this.cookieSettings();
    const { cookieName, cookieSameSite } = settings;
    const isSecure = cookieSameSite === "None" || /^__(?:Secure|Host)-/.test(cookieName);
    const line = [
      `${cookieName}=""`,
      ...domainOf(settings),
      "expires=Thu, 01 Jan 1970 00:00:00 GMT",
      "Max-Age=0",
      ...pathAndSameSiteOf(settings),
      ...(isSecure ? ["Secure"] : []),
    ].join("; ");
    this.send(response, line);
    events.saved({ outcome: "delete", cookieName });
  }
}

function domainOf({ cookieDomain: domain }: CookieSettings): string[] {
  if (domain === undefined) return [];
  return [`Domain=${domain.startsWith(".") ? "." : ""}${checkAttribute("domain", asciiDomain(domain))}`];
}

function pathAndSameSiteOf({ cookiePath, cookieSameSite }: CookieSettings): string[] {
  return [
    // Werkzeug escapes a path and Django does not.
    ...(cookiePath === undefined ? [] : [`Path=${checkAttribute("path", cookiePath)}`]),
    ...(cookieSameSite === undefined ? [] : [`SameSite=${cookieSameSite}`]),
  ];
}

/**
 * Whether Django would delete the cookie of an empty session: the session was ended, or the key is malformed, or the key has
 * no row and the session was accessed (Django only looks the row up then). A row that cannot be decoded keeps its cookie:
 * the wrong secret key may be on this side.
 */
function isCookieStale(
  { presented }: RecordSessionState<string>,
  accessed: boolean,
  isEnded: boolean,
): boolean {
  if (presented === "nothing") return false;
  return isEnded || presented === "malformed" || (presented === "unknown" && accessed);
}
