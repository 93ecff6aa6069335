import { notify } from "../callbacks.ts";
import { shareClass } from "../copies.ts";
import { cookieLine, type CookieAttributes, type SameSite } from "../http/cookie.ts";
import { checkCookieSettings, type CookieSettings } from "../http/cookie-settings.ts";
import { otherPlaces } from "../http/cookie-places.ts";
import type { RefusalReason } from "../codecs/codec.ts";
import { ConfigError, CookieTooLargeError } from "../errors.ts";
import { events } from "./events.ts";
import { describeLargest, largestFields, type Fields } from "../json/fields.ts";
import { forbidStoring } from "../http/response-headers.ts";
import type { SchemaMismatch } from "../session/schema.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "./session-interface.ts";

/** Flask's `PERMANENT_SESSION_LIFETIME`: 31 days, in seconds. */
export const DEFAULT_LIFETIME = 31 * 24 * 60 * 60;

/** Configuration shared by all cookie-based interfaces; `sessions({ … })` builds it from its options. */
export interface CookieConfig extends CookieSettings {
  /** Seconds. */
  readonly lifetime: number;
  readonly refreshEachRequest: boolean;
  /** Seconds. */
  readonly refreshAfter: number;
  /** Limit on the length of the Set-Cookie line in bytes; 0: no limit. */
  readonly maxCookieSize: number;
  readonly oversize: "warn" | "throw";
  readonly cacheControl: boolean;
  /** Checks data against the `schema`; `undefined` without one. */
  readonly schemaMismatch: SchemaMismatch | undefined;
  /** Value of the Clear-Site-Data header after a logout; `undefined`: no such header. */
  readonly clearSiteData: string | undefined;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  readonly onRefused: ((reason: RefusalReason) => void) | undefined;
  readonly onOversize: (error: CookieTooLargeError) => void;
}

/**
 * Base class of all cookie-based interfaces, like Flask's `SessionInterface`: the cookie's attributes, the Set-Cookie
 * lines that set and delete it, and the headers sent with them. Override a `get…` method to compute a setting.
 *
 * @example
 * ```ts
 * import { CookieSessionInterface, EMPTY_FIELDS, createSession, resolveOptions, type Session } from "hipflask";
 * import type { SessionRequest, SessionResponse } from "hipflask";
 *
 * // Keeps one number in an unsigned cookie.
 * class VisitCounter extends CookieSessionInterface {
 *   openSession(request: SessionRequest): Session {
 *     const visits = /visits=(\d+)/.exec(request.headers.get("cookie") ?? "")?.[1];
 *     return createSession({ visits: Number(visits ?? 0) });
 *   }
 *   saveSession(session: Session, request: SessionRequest, response: SessionResponse): void {
 *     if (!session.modified) return;
 *     this.setCookie(session, request, response, String(session.visits), EMPTY_FIELDS);
 *   }
 * }
 * export const sessionInterface = new VisitCounter(resolveOptions({ cookieName: "visits" }));
 * ```
 */
export abstract class CookieSessionInterface<
  Config extends CookieConfig = CookieConfig,
> implements SessionInterface {
  readonly config: Config;

  constructor(config: Config) {
    this.config = config;
  }

  abstract openSession(request: SessionRequest): ReturnType<SessionInterface["openSession"]>;
  abstract saveSession(
    session: Session,
    request: SessionRequest,
    response: SessionResponse,
  ): void | Promise<void>;

  getCookieName(): string {
    return this.config.cookieName;
  }

  getCookieDomain(): string | undefined {
    return this.config.cookieDomain;
  }

  getCookiePath(): string | undefined {
    return this.config.cookiePath;
  }

  getCookieHttpOnly(): boolean {
    return this.config.cookieHttpOnly;
  }

  getCookieSecure(): boolean | "auto" {
    return this.config.cookieSecure;
  }

  getCookieSameSite(): SameSite | undefined {
    return this.config.cookieSameSite;
  }

  getCookiePartitioned(): boolean {
    return this.config.cookiePartitioned;
  }

  /**
   * The cookie's Expires in epoch milliseconds; `undefined` if the session is not permanent and the browser deletes
   * it on exit.
   */
  getExpirationTime(session: Session): number | undefined {
    const { isPermanent, maxAge = Infinity } = stateOf(session);
    const { now, lifetime } = this.config;
    return isPermanent ? expiresAt(now(), Math.min(lifetime, maxAge)) : undefined;
  }

  /** Whether the request has a cookie that only this interface can have issued, for a live session or one that has ended. */
  hasOwnCookie(_request: SessionRequest): boolean {
    return false;
  }

  /**
   * Whether the request has several valid session cookies, stored under different domains or paths because
   * `cookieDomain` or `cookiePath` changed. The next response then deletes the cookie under all other domains and paths.
   */
  protected hasDuplicateCookies(_request: SessionRequest): boolean {
    return false;
  }

  /** Reports a rejected cookie, to `onRefused` and the channel `hipflask:refused`. */
  protected refused(reason: RefusalReason): void {
    events.refused.publish({ cookieName: this.getCookieName(), reason });
    void notify(this.config.onRefused, reason);
  }

  /**
   * Adds the Set-Cookie line with this value.
   *
   * @param fields the data in the value; the error for a cookie that is too large names its largest keys
   * @throws CookieTooLargeError if the line is too large and `oversize` is `"throw"`
   */
  protected setCookie(
    session: Session,
    request: SessionRequest,
    response: SessionResponse,
    value: string,
    fields: Fields,
  ): void {
    const expires = this.#expires(session);
    const { name, attributes } = this.#cookie(request);
    const line = cookieLine(name, value, { ...attributes, expires });
    this.#checkSize(line, fields);
    this.#removeDuplicates(request, response);
    this.send(response, line);
  }

  /**
   * Adds the Set-Cookie line that deletes the cookie. It repeats every attribute: with another Domain, Path or Partitioned
   * the line would name another cookie.
   */
  protected deleteCookie(request: SessionRequest, response: SessionResponse): void {
    const { name, attributes } = this.#cookie(request);
    this.#removeDuplicates(request, response);
    this.send(response, cookieLine(name, "", { ...attributes, ...REMOVED }));
  }

  /** What the `get…` methods return; values of overridden methods are checked like the options. @throws ConfigError */
  protected cookieSettings(): CookieSettings {
    const given: CookieSettings = {
      cookieName: this.getCookieName(),
      cookieDomain: this.getCookieDomain(),
      cookiePath: this.getCookiePath(),
      cookieHttpOnly: this.getCookieHttpOnly(),
      cookieSecure: this.getCookieSecure(),
      cookieSameSite: this.getCookieSameSite(),
      cookiePartitioned: this.getCookiePartitioned(),
    };
    const names = Object.keys(given) as (keyof CookieSettings)[];
    if (names.every((name) => given[name] === this.config[name])) return given;
    return checkCookieSettings(given, (name) => `What getC${name.slice(1)}() returns`);
  }

  /** Whether the cookie of this response has the Secure attribute. */
  protected isSecure(request: SessionRequest, secure = this.cookieSettings().cookieSecure): boolean {
    return secure === "auto" ? (request.secure ?? request.url?.startsWith("https:") ?? false) : secure;
  }

  /** Adds the Clear-Site-Data header after a logout, if the options ask for it. */
  protected clearSite(response: SessionResponse, session: Session): void {
    const { clearSiteData } = this.config;
    if (clearSiteData !== undefined && stateOf(session).wasDestroyed)
      response.headers.set("Clear-Site-Data", clearSiteData);
  }

  #removeDuplicates(request: SessionRequest, response: SessionResponse): void {
    if (!this.hasDuplicateCookies(request)) return;
    const { name, attributes } = this.#cookie(request);
    const kept = { domain: attributes.domain, path: attributes.path ?? "/" };
    for (const place of otherPlaces(name, kept, request))
      response.headers.append("Set-Cookie", cookieLine(name, "", { ...attributes, ...REMOVED, ...place }));
  }

  /** Adds a Set-Cookie line, and forbids caches to store the response. */
  protected send(response: SessionResponse, line: string): void {
    response.headers.append("Set-Cookie", line);
    if (!this.config.cacheControl) return;
    const removed = forbidStoring(response.headers);
    if (removed.length > 0) events.cacheConflict.publish({ cookieName: this.getCookieName(), removed });
  }

  #cookie(request: SessionRequest): { name: string; attributes: CookieAttributes } {
    const settings = this.cookieSettings();
    const attributes: CookieAttributes = {
      domain: settings.cookieDomain,
      path: settings.cookiePath,
      httpOnly: settings.cookieHttpOnly,
      secure: this.isSecure(request, settings.cookieSecure),
      sameSite: settings.cookieSameSite,
      partitioned: settings.cookiePartitioned,
    };
    return { name: settings.cookieName, attributes };
  }

  /** What an override may return is checked here, too. @throws ConfigError */
  #expires(session: Session): number | undefined {
    const expires: unknown = this.getExpirationTime(session);
    if (expires === undefined || expires === null) return undefined;
    if (typeof expires !== "number" || !Number.isFinite(expires))
      throw new ConfigError("What getExpirationTime() returns must be a number or undefined.");
    const now = this.config.now();
    if (expires < now / 2 && expires * 1000 > now)
      throw new ConfigError(
        "What getExpirationTime() returns must be milliseconds, and it looks like seconds.",
      );
    return expires;
  }

  #checkSize(line: string, fields: Fields): void {
    const { maxCookieSize, oversize, onOversize } = this.config;
    if (maxCookieSize === 0 || line.length <= maxCookieSize) return;
    const error = tooLarge(this.getCookieName(), line.length, maxCookieSize, fields);
    if (oversize === "throw") throw error;
    void notify(onOversize, error);
  }
}

/** What removes a cookie. */
const REMOVED = { expires: 0, maxAge: 0 };

shareClass("CookieSessionInterface", CookieSessionInterface);

/** The maximum age of a cookie in whole seconds. Flask truncates a fractional lifetime for this check only. */
export function maxAgeOf(lifetime: number): number {
  return Math.trunc(lifetime);
}

/** When a cookie written now expires, in epoch milliseconds, truncated to a whole second. */
function expiresAt(now: number, lifetime: number): number {
  return Math.floor((now + lifetime * 1000) / 1000) * 1000;
}

function tooLarge(name: string, size: number, limit: number, fields: Fields): CookieTooLargeError {
  const largest = largestFields(fields);
  return new CookieTooLargeError(
    `The "${name}" cookie is too large: ${size} bytes, and browsers may drop what is over ${limit}. ` +
      `Largest keys: ${describeLargest(largest)}. Keep less in the session, or keep the session in a store.`,
    size,
    largest,
  );
}
