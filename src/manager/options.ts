import type { AcceptedCookie } from "../accepts/accepted-cookie.ts";
import type { Codec, RefusalReason } from "../codecs/codec.ts";
import type { Compress } from "../codecs/flask.ts";
import type { CookieTooLargeError } from "../errors.ts";
import type { CrossOriginOptions } from "../http/cross-origin.ts";
import type { SessionInterface, SessionRequest } from "../interfaces/session-interface.ts";
import type { Digest, KeyDerivation } from "../itsdangerous/signer.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import type { StandardSchemaV1 } from "../session/standard-schema.ts";
import type { RecordLimits } from "../stores/record-limits.ts";
import type { Store } from "../stores/store.ts";

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
   * Signs every cookie; keep it private and the same on all servers. Text is taken as UTF-8, untrimmed. Without one
   * (undefined, null or empty) sessions can be read, as empty, and every write throws `NoSecretKeyError`, as in Flask.
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
   * Sends the cookie over TLS only. `"auto"` does so for visitors who came by HTTPS, by what the framework's trust in
   * proxies says. Default false; with `hardened`, true.
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
   * together, so `touchEvery` takes its place.
   */
  readonly refreshAfter?: number | undefined;
  /** Bytes of a Set-Cookie line above which `oversize` applies; 0 never. Default 4093. */
  readonly maxCookieSize?: number | undefined;
  /** `"warn"` (default, as Flask) sends a cookie that is too large and calls `onOversize`; `"throw"` (default with `hardened`) answers with an error. */
  readonly oversize?: "warn" | "throw" | undefined;

  /** `"flask"` (default; signed, readable by the visitor), `"sealed"` (encrypted), or a codec of your own. */
  readonly codec?: "flask" | "sealed" | Codec | undefined;
  /** Keeps signatures apart from those made for other purposes. Default `"cookie-session"`, Flask's. */
  readonly salt?: string | undefined;
  /** Hash of signature and key derivation. Default `"sha1"`, which is Flask's wire format. */
  readonly digest?: Digest | undefined;
  /** Default `"hmac"`, Flask's. */
  readonly keyDerivation?: KeyDerivation | undefined;
  /** When to compress: `"auto"` (default), `"flask"` (Flask's exact rule) or false. */
  readonly compress?: Compress | undefined;
  /** Bytes a compressed cookie may inflate to. Default 1 MiB; more is refused. */
  readonly maxInflatedSize?: number | undefined;
  /** Tags for types of your own and how JSON is written; both sides must agree. Default Flask's. */
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
  /** Keep sessions your own way. Most of the options above are then yours to follow or not. */
  readonly sessionInterface?: SessionInterface | undefined;

  /**
   * Cookies of other libraries, from `hipflask/accepts`, that a session is opened from where there is none of ours. It is
   * saved as ours and the old cookie is expired, so nobody is logged out by a migration. Default none.
   */
  readonly accepts?: readonly AcceptedCookie[] | undefined;
  /** Keeps the data on a server; the cookie carries a random token. Default: none, the data is in the cookie. */
  readonly store?: Store | undefined;
  /** Fetches a stored session when `await loadSession()` is called and not with every request that has a cookie. Default false. */
  readonly lazy?: boolean | undefined;
  /** Seconds without a request after which a stored session ends. Default `lifetime`; with `hardened`, one hour. */
  readonly idleTimeout?: number | undefined;
  /**
   * The same for a session of a visitor who did not log in: without `session.owner`, and not `permanent`. Strangers can make
   * any number of these. Default `idleTimeout`, at most one day.
   */
  readonly anonymousTimeout?: number | undefined;
  /** Seconds after which a stored session ends in any case, counted from its beginning or the owner's login; null: never. Default null; with `hardened`, 24 hours. */
  readonly absoluteTimeout?: number | null | undefined;
  /** Seconds between two notes of activity in the store. Default a tenth of `idleTimeout`, at most 300. */
  readonly touchEvery?: number | undefined;
  /** Seconds after which a stored session moves on to a new token by itself; needs a `secretKey`. Default 0: only at login. */
  readonly rotateAfter?: number | undefined;
  /** Seconds for which a token replaced in this way stays good, so that parallel requests do not fail. Default 30. */
  readonly rotationGrace?: number | undefined;
  /** What becomes of a session whose replaced token comes back after that: the token is refused (default), or the session destroyed. A token from before a login never ends the session after it. */
  readonly reusedTokens?: "refuse" | "destroy" | undefined;
  /** Live sessions one owner may have. Default 1000. */
  readonly maxPerOwner?: number | undefined;
  /** One login too many is refused with `OwnerLimitError`, or ends the owner's oldest session (default). */
  readonly ownerOverflow?: "refuse" | "end-oldest" | undefined;
  /**
   * Keys of a stranger's session that stay when `session.owner` is assigned, beside what the same request wrote; true:
   * all of them. Default true; with `hardened`, none.
   */
  readonly keepAtLogin?: readonly string[] | true | undefined;
  /** What to remember of a device for lists of sessions, as JSON; at most 1 KiB. Default nothing. */
  readonly device?: ((request: SessionRequest) => unknown) | undefined;
  /** What to do with a change to a session that ended meanwhile: `"drop"` it (default) or `"throw"` a `SessionLostError`. */
  readonly lostWrites?: "drop" | "throw" | undefined;
  /** Save data of stored sessions also when the answer is a 5xx. Default false: only logins and logouts count then. */
  readonly saveOnError?: boolean | undefined;
  /** How large one record in the store may grow. Default 1000 fields and 256 KiB. */
  readonly recordLimits?: Partial<RecordLimits> | undefined;
  /** Seconds that a read or a commit may take, waiting and retries included. Default 2. */
  readonly storeTimeout?: number | undefined;
  /** Seconds between two removals of expired records, from the first request until `manager.close()`; 0: never, something else does it. Default 60. */
  readonly sweepEvery?: number | undefined;
  /** Accept `session.owner` with a store that cannot change a record atomically. Default false. */
  readonly allowNonAtomicStore?: boolean | undefined;

  /** Hears why a cookie was refused; the visitor gets an empty session. */
  readonly onRefused?: ((reason: RefusalReason) => void) | undefined;
  /** Hears of a cookie above `maxCookieSize`. Default: `console.warn` with the message. */
  readonly onOversize?: ((error: CookieTooLargeError) => void) | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
