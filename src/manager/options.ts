import type { AcceptedCookie } from "../accepts/accepted-cookie.ts";
import type { Codec, RefusalReason } from "../codecs/codec.ts";
import type { CookieTooLargeError } from "../errors.ts";
import type { CrossOriginOptions } from "../http/cross-origin.ts";
import type { SessionInterface } from "../interfaces/session-interface.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { StandardSchemaV1 } from "../session/schema.ts";
import type { Store } from "../stores/parts/store.ts";
import type { StoreOptions } from "./store-options.ts";

/** The types of `Clear-Site-Data` (W3C Clear Site Data §3.1). */
export type ClearSiteDataType = "cache" | "clientHints" | "cookies" | "executionContexts" | "storage" | "*";

/**
 * The options of sessions. Names and defaults are those of Flask's settings, in camelCase without `SESSION_`;
 * `optionsFromFlask` converts a Flask configuration.
 *
 * @example
 * ```ts
 * import { sessions } from "hipflask/hono";
 * export const middleware = sessions({
 *   secretKey: process.env.SECRET_KEY,
 *   cookieSecure: true,
 *   cookieSameSite: "Lax",
 *   lifetime: 7 * 24 * 60 * 60,
 * });
 * ```
 */
export interface SessionOptions {
  /**
   * Signs every cookie; keep it private and the same on all servers. A string is encoded as UTF-8, untrimmed. Required
   * unless a `store`, a `codec` or a `sessionInterface` of your own does not need it. With null, sessions are empty and
   * every write throws `NoSecretKeyError`, as in Flask.
   */
  readonly secretKey?: SecretKey | null | undefined;
  /** Old secrets that still verify but do not sign, newest last. Default none. Flask: `SECRET_KEY_FALLBACKS`. */
  readonly secretKeyFallbacks?: readonly SecretKey[] | null | undefined;

  /** Default `"session"`; with `hardened`, `"__Host-Http-session"`. */
  readonly cookieName?: string | undefined;
  /** Default none: the cookie is host-only. */
  readonly cookieDomain?: string | undefined;
  /** Default `"/"`; null writes no Path attribute. */
  readonly cookiePath?: string | null | undefined;
  /** Hides the cookie from scripts. Default true. */
  readonly cookieHttpOnly?: boolean | undefined;
  /**
   * Sends the cookie only over HTTPS. `"auto"` sets it for requests over HTTPS, by the framework's own proxy setting.
   * Default false; with `hardened`, true.
   */
  readonly cookieSecure?: boolean | "auto" | undefined;
  /** `"Strict"`, `"Lax"` or `"None"`, case-insensitive. Default: no attribute; with `hardened`, `"Lax"`. */
  readonly cookieSameSite?: string | null | undefined;
  /** Cookies of embedded pages (CHIPS); implies Secure. Default false. */
  readonly cookiePartitioned?: boolean | undefined;

  /**
   * Seconds for which a cookie is accepted after it was written, and for which the browser keeps it if `session.permanent`.
   * Default 31 days. Flask: `PERMANENT_SESSION_LIFETIME`.
   */
  readonly lifetime?: number | undefined;
  /** Write permanent sessions again on each request, so that the lifetime counts from the last one. Default true. */
  readonly refreshEachRequest?: boolean | undefined;
  /**
   * Seconds between two such refreshes; beyond Flask. Default 0: on each request. With a `store`, cookie and record are refreshed
   * together, so `storeOptions.touchEvery` takes its place.
   */
  readonly refreshAfter?: number | undefined;
  /** Length of a Set-Cookie line in bytes above which `oversize` applies; 0: no limit. Default 4093. */
  readonly maxCookieSize?: number | undefined;
  /**
   * `"warn"` (default, as Flask) sends a cookie that is too large and calls `onOversize`; `"throw"` (default with
   * `hardened`) responds with an error.
   */
  readonly oversize?: "warn" | "throw" | undefined;

  /**
   * The format of the cookie: `"flask"` (default; signed, readable by the visitor), `"sealed"` (encrypted, default with
   * `hardened`), or a codec: `flaskCodec({ secretKey, digest: "sha256" })`, `sealedCodec({ secretKey, audience: "shop" })`, your own.
   * A codec has its own secrets and `json`.
   */
  readonly codec?: "flask" | "sealed" | Codec | undefined;
  /**
   * How JSON is written in cookies and records, and tags for your own types; every program that shares them needs the same.
   * Default Flask's.
   */
  readonly json?: TaggedJSONSerializer | undefined;

  /**
   * A schema of zod, valibot, arktype or another Standard Schema library for the session's data, without asynchronous
   * checks. A session that does not fit is opened as an empty one (`onRefused("schema")`), and is not saved after a handler
   * (`SchemaError`). The schema only checks: it neither converts values nor adds defaults. Default none.
   */
  readonly schema?: StandardSchemaV1 | undefined;
  /** Save changes made inside nested values (`session.cart.push(x)`). Default true; false is Flask's behaviour. */
  readonly trackNested?: boolean | undefined;
  /** Send `Cache-Control: no-store` with every session cookie. Default true; false is Flask's behaviour. */
  readonly cacheControl?: boolean | undefined;
  /**
   * Sends `Clear-Site-Data` with the response after `session.destroy()`: true for `"storage"`, or a list of its types.
   * Browsers follow it only over HTTPS; `"cookies"` also deletes those of all other apps on the domain. Default false.
   */
  readonly clearSiteData?: boolean | readonly ClearSiteDataType[] | undefined;
  /**
   * Refuses unsafe requests (POST, PUT, …) that pages of other origins make browsers send, with 403 and before any handler
   * runs, like Go's `CrossOriginProtection`: true, or an object with exceptions. Default false; with `hardened`, true. See
   * `crossOriginProtection` of `hipflask/csrf`.
   */
  readonly crossOriginProtection?: boolean | CrossOriginOptions | undefined;
  /**
   * Sets secure defaults: a `__Host-` name, Secure, SameSite=Lax, a sealed cookie, `crossOriginProtection`; options that
   * contradict them are refused. Default false.
   */
  readonly hardened?: boolean | undefined;
  /** Opens and saves sessions in place of hipflask's own interfaces. It decides which of the options above it uses. */
  readonly sessionInterface?: SessionInterface | undefined;

  /**
   * Readers of `hipflask/accepts` for cookies of other libraries: a request without a hipflask session gets one from such a
   * cookie. It is saved as a hipflask session and the old cookie is deleted, so visitors stay logged in. Default none.
   */
  readonly accepts?: readonly AcceptedCookie[] | undefined;
  /** Stores the data on a server; the cookie contains a random token. Default: none, the data is in the cookie. */
  readonly store?: Store | undefined;
  /** Options of sessions in the `store`; without one, they have no effect. See {@link StoreOptions}. */
  readonly storeOptions?: StoreOptions | undefined;

  /** Called with the reason when a cookie is refused; the visitor gets an empty session. What it throws is logged. */
  readonly onRefused?: ((reason: RefusalReason) => void) | undefined;
  /** Called when a cookie is larger than `maxCookieSize`. Default: `console.warn` with the message. What it throws is logged. */
  readonly onOversize?: ((error: CookieTooLargeError) => void) | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
