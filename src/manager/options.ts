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

/** What a browser can be asked to drop (W3C Clear Site Data §3.1). */
export type ClearSiteDataType = "cache" | "clientHints" | "cookies" | "executionContexts" | "storage" | "*";

/**
 * How sessions are kept. Names and defaults are Flask's settings in camelCase without `SESSION_`; a whole Flask
 * configuration can be passed through `optionsFromFlask`.
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
   * Signs every cookie; keep it private and the same on all servers. String is taken as UTF-8, untrimmed. Needed
   * unless a `store`, a `codec` or a `sessionInterface` of your own does without. With null sessions can be read, as empty,
   * and every write throws `NoSecretKeyError`, as in Flask.
   */
  readonly secretKey?: SecretKey | null | undefined;
  /** Old secrets that still verify and never sign, newest last. Default none. Flask: `SECRET_KEY_FALLBACKS`. */
  readonly secretKeyFallbacks?: readonly SecretKey[] | null | undefined;

  /** Default `"session"`; with `hardened`, `"__Host-Http-session"`. */
  readonly cookieName?: string | undefined;
  /** Default none: the cookie belongs to this host alone. */
  readonly cookieDomain?: string | undefined;
  /** Default `"/"`; null writes no Path attribute. */
  readonly cookiePath?: string | null | undefined;
  /** Keeps the cookie from scripts. Default true. */
  readonly cookieHttpOnly?: boolean | undefined;
  /**
   * Sends the cookie over TLS only. `"auto"` does so for requests over HTTPS, as the framework's own proxy setting tells it.
   * Default false; with `hardened`, true.
   */
  readonly cookieSecure?: boolean | "auto" | undefined;
  /** `"Strict"`, `"Lax"` or `"None"` in any capitalisation. Default: no attribute; with `hardened`, `"Lax"`. */
  readonly cookieSameSite?: string | null | undefined;
  /** Cookies of embedded pages (CHIPS); implies Secure. Default false. */
  readonly cookiePartitioned?: boolean | undefined;

  /** Seconds a cookie is accepted after it was written, and stays in the browser if `session.permanent`. Default 31 days. Flask: `PERMANENT_SESSION_LIFETIME`. */
  readonly lifetime?: number | undefined;
  /** Write permanent sessions anew on each request, so that the lifetime counts from the last one. Default true. */
  readonly refreshEachRequest?: boolean | undefined;
  /**
   * Seconds between two such refreshes; beyond Flask. Default 0: on each request. With a `store`, cookie and record are refreshed
   * together, so `storeOptions.touchEvery` takes its place.
   */
  readonly refreshAfter?: number | undefined;
  /** Bytes of a Set-Cookie line above which `oversize` applies; 0 never. Default 4093. */
  readonly maxCookieSize?: number | undefined;
  /** `"warn"` (default, as Flask) sends a cookie that is too large and calls `onOversize`; `"throw"` (default with `hardened`) answers with an error. */
  readonly oversize?: "warn" | "throw" | undefined;

  /**
   * What the cookie's string is: `"flask"` (default; signed, readable by the visitor), `"sealed"` (encrypted, default with
   * `hardened`), or a codec: `flaskCodec({ secretKey, digest: "sha256" })`, `sealedCodec({ secretKey, audience: "shop" })`, your own.
   * A codec has its own secrets and `json`.
   */
  readonly codec?: "flask" | "sealed" | Codec | undefined;
  /** Tags for types of your own and how JSON is written, in cookies and in records; every program that shares them must agree. Default Flask's. */
  readonly json?: TaggedJSONSerializer | undefined;

  /**
   * What a session must look like, in zod, valibot, arktype or another Standard Schema library; checks that are
   * asynchronous are refused. A session that does not fit is opened as an empty one (`onRefused("schema")`), and one that a
   * handler leaves so is not saved (`SchemaError`). Checks only: values are neither converted nor filled in. Default none.
   */
  readonly schema?: StandardSchemaV1 | undefined;
  /** Save changes made inside nested values (`session.cart.push(x)`). Default true; false is Flask's behaviour. */
  readonly trackNested?: boolean | undefined;
  /** Send `Cache-Control: no-store` with every session cookie. Default true; false is Flask's behaviour. */
  readonly cacheControl?: boolean | undefined;
  /**
   * Sends `Clear-Site-Data` with the answer to `session.destroy()`: true for `"storage"`, or a list of its types. Browsers
   * act on it over TLS only; `"cookies"` drops those of all other apps on the domain as well. Default false.
   */
  readonly clearSiteData?: boolean | readonly ClearSiteDataType[] | undefined;
  /**
   * Refuses unsafe requests (POST, PUT, …) that pages of other origins make browsers send, with 403 and before any
   * handler runs, as Go's `CrossOriginProtection`: true, or what is let through all the same. Default false; with
   * `hardened`, true. See `crossOriginProtection` of `hipflask/csrf`.
   */
  readonly crossOriginProtection?: boolean | CrossOriginOptions | undefined;
  /** One word for safe settings: a `__Host-` name, Secure, SameSite=Lax, a sealed cookie, `crossOriginProtection`; what contradicts them is refused. Default false. */
  readonly hardened?: boolean | undefined;
  /** Opens and saves sessions in place of hipflask's own interfaces. It decides which of the options above it follows. */
  readonly sessionInterface?: SessionInterface | undefined;

  /**
   * Readers of `hipflask/accepts` for cookies of other libraries: a request without a session of hipflask's gets one from such a
   * cookie. It is saved by hipflask and the old cookie is expired, so visitors stay logged in. Default none.
   */
  readonly accepts?: readonly AcceptedCookie[] | undefined;
  /** Keeps the data on a server; the cookie carries a random token. Default: none, the data is in the cookie. */
  readonly store?: Store | undefined;
  /** How sessions in the `store` live; without one, none of these counts. See {@link StoreOptions}. */
  readonly storeOptions?: StoreOptions | undefined;

  /** Called with the reason when a cookie is refused; the visitor gets an empty session. What it throws is logged. */
  readonly onRefused?: ((reason: RefusalReason) => void) | undefined;
  /** Called when a cookie is larger than `maxCookieSize`. Default: `console.warn` with the message. What it throws is logged. */
  readonly onOversize?: ((error: CookieTooLargeError) => void) | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
