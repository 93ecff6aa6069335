import { shareClass } from "../copies.ts";
import type { Codec, Decoded } from "../codecs/codec.ts";
import { candidatesOf } from "../http/cookie.ts";
import { decide } from "./decide.ts";
import { events } from "./events.ts";
import { EMPTY_FIELDS } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { assertFits } from "../session/schema.ts";
import type { Opened } from "../session/changes.ts";
import { SessionState } from "../session/state.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";
import { CookieSessionInterface, maxAgeOf, type CookieConfig } from "./cookie-interface.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";

/** Configuration of sessions in a cookie, beside that of the cookie. */
export interface SecureCookieConfig extends CookieConfig {
  /** The format of the cookie; null without a secret key, and then every session is a null session. */
  readonly codec: Codec | null;
  readonly json: TaggedJSONSerializer;
  readonly trackNested: boolean;
}

/**
 * Flask's `SecureCookieSessionInterface`: the whole session in a signed cookie.
 *
 * @example
 * ```ts
 * import { SecureCookieSessionInterface, resolveOptions } from "hipflask";
 *
 * // As in Flask, override a method to compute a setting.
 * class PerTenant extends SecureCookieSessionInterface {
 *   override getCookieDomain() {
 *     return process.env.TENANT === undefined ? undefined : `${process.env.TENANT}.example.com`;
 *   }
 * }
 * export const sessionInterface = new PerTenant(resolveOptions({ secretKey: "dev" }));
 * ```
 */
export class SecureCookieSessionInterface extends CookieSessionInterface<SecureCookieConfig> {
  /** The cookie is not verified here but at the first access to the session. */
  openSession(request: SessionRequest): Session {
    const { codec, json, trackNested } = this.config;
    const open = codec === null ? () => NOTHING : () => this.#decode(codec, request);
    return sessionOf(new SessionState({ open, json, trackNested, isNull: codec === null }));
  }

  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void {
    const state = stateOf(session);
    // `modified` and `accessed` can be set without opening the session.
    const isUntouched = !state.isOpened && !state.accessed && !state.modified;
    if (isUntouched && !this.#mayNeedRefresh(request)) return;
    const { codec, refreshEachRequest, refreshAfter, now, lifetime, schemaMismatch } = this.config;
    const { accessed } = state;
    const fields = state.fields();
    const { writtenAt } = state.opened;
    const { outcome, vary } = decide({
      isNull: codec === null,
      empty: fields.size === 0,
      modified: state.modified,
      accessed,
      permanent: state.isPermanent,
      refreshEachRequest,
      age: writtenAt === undefined ? undefined : now() / 1000 - writtenAt,
      refreshAfter,
    });
    if (vary) varyOnCookie(response.headers);
    this.clearSite(response, session);
    if (outcome === "nothing") return;
    const cookieName = this.getCookieName();
    if (outcome === "delete") this.deleteCookie(request, response);
    else {
      if (outcome === "write" && schemaMismatch !== undefined) assertFits(schemaMismatch, fields);
      const value = codec!.encode(fields, { now: now(), maxAge: maxAgeOf(lifetime), cookieName });
      this.setCookie(session, request, response, value, fields);
    }
    events.saved({ outcome, cookieName });
  }

  override hasOwnCookie(request: SessionRequest): boolean {
    // An expired cookie was issued by this interface too.
    return this.#decodeAll(request).some((decoded) => decoded.ok || decoded.reason === "expired");
  }

  protected override hasDuplicateCookies(request: SessionRequest): boolean {
    return this.#decodeAll(request).filter(({ ok }) => ok).length > 1;
  }

  /** Decodes every cookie of the name, including those that Flask would ignore when it reads the same header. */
  #decodeAll(request: SessionRequest): Decoded[] {
    const { codec, now, lifetime } = this.config;
    if (codec === null) return [];
    const cookieName = this.getCookieName();
    const context = { now: now(), maxAge: maxAgeOf(lifetime), cookieName };
    const texts = candidatesOf(request.headers.get("Cookie") ?? "", cookieName);
    return texts.map((text) => codec.decode(text, context));
  }

  #decode(codec: Codec, request: SessionRequest): Opened {
    const cookieName = this.getCookieName();
    const { now, lifetime, schemaMismatch } = this.config;
    const context = { now: now(), maxAge: maxAgeOf(lifetime), cookieName };
    let found: Opened | undefined;
    for (const text of this.#candidates(codec, request)) {
      const decoded = codec.decode(text, context);
      if (!decoded.ok) this.refused(decoded.reason);
      else if (schemaMismatch?.(decoded.fields) !== undefined) this.refused("schema");
      else if (found === undefined || (decoded.signedAt ?? 0) > (found.writtenAt ?? 0))
        found = { fields: decoded.fields, writtenAt: decoded.signedAt };
    }
    if (found === undefined) return NOTHING;
    events.opened({ cookieName, keys: found.fields.size });
    return found;
  }

  #candidates({ grammar }: Codec, request: SessionRequest): string[] {
    const texts = candidatesOf(request.headers.get("Cookie") ?? "", this.getCookieName(), grammar);
    return texts.filter((text) => text !== "");
  }

  /** Flask also refreshes a permanent session that was not accessed; whether it is permanent is only in the cookie. */
  #mayNeedRefresh(request: SessionRequest): boolean {
    const { codec, refreshEachRequest } = this.config;
    if (codec === null || !refreshEachRequest) return false;
    return this.#candidates(codec, request).some((text) => codec.mayHold(text, "_permanent"));
  }
}

shareClass("SecureCookieSessionInterface", SecureCookieSessionInterface);

const NOTHING: Opened = { fields: EMPTY_FIELDS };
