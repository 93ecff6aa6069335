import type { RefusalReason } from "../codecs/codec.ts";
import { inspectCookie, type InspectedCookie } from "../codecs/inspect.ts";
import { SecureCookieSessionInterface } from "../interfaces/secure-cookie.ts";
import type { SessionInterface } from "../interfaces/session-interface.ts";
import { StoreSessionInterface } from "../interfaces/store.ts";
import type { Fields } from "../json/fields.ts";
import { maxAgeOf } from "../interfaces/cookie-interface.ts";
import { pastedValue } from "../codecs/pasted-value.ts";
import type { SessionRecord } from "../stores/parts/record.ts";
import { checkVerifier, parseToken, type VerifierStatus } from "../stores/parts/token.ts";

/** Maximum length of pasted text; cookies are shorter. */
const LONGEST = 16_384;

const LIVE: ReadonlySet<VerifierStatus> = new Set(["current", "previous"]);

/** The app's own verdict on a cookie. */
export type PastedVerdict =
  | { readonly kind: "accepted"; readonly fields: Fields }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "unknown" };

/** The parts of a cookie, for an authorised user. */
export interface PastedCookie {
  /** Length of the value in bytes. */
  readonly size: number;
  readonly verdict: PastedVerdict;
  /** The parts of a cookie in Flask's format. */
  readonly parts: InspectedCookie | undefined;
  /** Of the token of a stored session. The verifier is a secret and omitted. */
  readonly selector: string | undefined;
  /** The stored record. */
  readonly record: SessionRecord | undefined;
}

/**
 * Parses a pasted cookie, and verifies it with the app's own key or store. Has no side effects: opens no session and
 * removes no flashed messages.
 *
 * @throws StoreError
 */
export async function inspectPasted(text: string, sessions: SessionInterface): Promise<PastedCookie> {
  const name =
    sessions instanceof SecureCookieSessionInterface || sessions instanceof StoreSessionInterface
      ? sessions.getCookieName()
      : undefined;
  const value = pastedValue(text.slice(0, LONGEST), name);
  const size = Buffer.byteLength(value);
  const token = parseToken(value);
  if (sessions instanceof StoreSessionInterface && token !== undefined) {
    const { records, rotationKey } = sessions.config;
    const found = await records.loop.read(token.selector);
    const record = typeof found === "object" ? found.entry : undefined;
    const isLive =
      typeof found === "object" && LIVE.has(checkVerifier(found.entry, token, found.now, rotationKey).status);
    const verdict: PastedVerdict =
      isLive && record !== undefined
        ? { kind: "accepted", fields: record.fields }
        : { kind: "refused", reason: found === "undecodable" ? "undecodable" : "unknown" };
    return { size, verdict, parts: undefined, selector: token.selector, record: isLive ? record : undefined };
  }
  const parts = token === undefined && looksSigned(value) ? inspectCookie(value) : undefined;
  return { size, verdict: verdictOf(value, sessions), parts, selector: token?.selector, record: undefined };
}

function verdictOf(value: string, sessions: SessionInterface): PastedVerdict {
  if (sessions instanceof StoreSessionInterface) return { kind: "refused", reason: "malformed" };
  if (!(sessions instanceof SecureCookieSessionInterface) || sessions.config.codec === null)
    return { kind: "unknown" };
  const { codec, now, lifetime, schemaMismatch } = sessions.config;
  const context = { now: now(), maxAge: maxAgeOf(lifetime), cookieName: sessions.getCookieName() };
  const decoded = codec.decode(value, context);
  if (!decoded.ok) return { kind: "refused", reason: decoded.reason };
  if (schemaMismatch?.(decoded.fields) !== undefined) return { kind: "refused", reason: "schema" };
  return { kind: "accepted", fields: decoded.fields };
}

/** Payload, timestamp and signature; a compressed payload has a leading dot. */
function looksSigned(value: string): boolean {
  return /^\.?[\w-]+(\.[\w-]*){1,2}$/.test(value);
}
