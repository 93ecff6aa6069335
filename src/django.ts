import { djangoSessionData } from "./codecs/django.ts";
import { ConfigError } from "./errors.ts";
import { checkAttribute } from "./http/cookie.ts";
import { DjangoSessionInterface } from "./interfaces/django.ts";
import type { SessionInterface } from "./interfaces/session-interface.ts";
import type { SecretKey } from "./itsdangerous/secret-key.ts";
import { TaggedJSONSerializer } from "./json/tagged-json.ts";
import type { SessionOptions } from "./manager/options.ts";
import { checkOptions, type OptionKinds } from "./check-options.ts";
import { resolveOptions } from "./manager/resolve-options.ts";
import type { StoreOptions } from "./manager/store-options.ts";
import type { DjangoDatabase } from "./stores/django/database.ts";
import { DjangoTable } from "./stores/django/table.ts";

export type { DjangoDatabase } from "./stores/django/database.ts";
export type { MysqlPool } from "./stores/sql/mysql2.ts";
export type { PostgresPool, PostgresQuery } from "./stores/sql/pg.ts";
export type { SqliteDatabase, SqliteStatement } from "./stores/sqlite/database.ts";

/** The options that mean the same with Django's sessions as with hipflask's. */
type SharedOptions = Pick<
  SessionOptions,
  | "cookieDomain"
  | "cookiePath"
  | "cookieHttpOnly"
  | "cookieSecure"
  | "cacheControl"
  | "trackNested"
  | "onRefused"
  | "now"
> &
  Pick<StoreOptions, "lostWrites" | "saveOnError" | "storeTimeout">;

/** The session settings of a Django project; defaults are Django's. */
export interface DjangoSessionsOptions extends SharedOptions {
  /** `SECRET_KEY`. */
  readonly secretKey: SecretKey;
  /** `SECRET_KEY_FALLBACKS`. Default none. */
  readonly secretKeyFallbacks?: readonly SecretKey[] | undefined;
  /** `SESSION_COOKIE_NAME`. Default `"sessionid"`. */
  readonly cookieName?: string | undefined;
  /** `SESSION_COOKIE_SAMESITE`. Default `"Lax"`; null writes no attribute. */
  readonly cookieSameSite?: string | null | undefined;
  /** `SESSION_COOKIE_AGE`, in seconds. Default two weeks. */
  readonly lifetime?: number | undefined;
  /** `SESSION_SAVE_EVERY_REQUEST`. Default false. */
  readonly refreshEachRequest?: boolean | undefined;
  /** `SESSION_EXPIRE_AT_BROWSER_CLOSE`. Default false. */
  readonly expireAtBrowserClose?: boolean | undefined;
  /**
   * `TIME_ZONE` if `USE_TZ` is off: `set_expiry`, and the rows of SQLite and MySQL, then use the local time of that zone.
   * Default `"UTC"`.
   */
  readonly timeZone?: string | undefined;
  /** Table of the session model. Default `"django_session"`. */
  readonly table?: string | undefined;
  /** Only for projects with a session store class of their own: `django.contrib.sessions.` and the class's name. */
  readonly salt?: string | undefined;
}

/** `"any"`: checked with the options of `sessions`, or where it is used. */
const KINDS: OptionKinds<DjangoSessionsOptions> = {
  secretKey: "any",
  secretKeyFallbacks: "any",
  cookieName: "any",
  cookieSameSite: "any",
  lifetime: "any",
  refreshEachRequest: "any",
  expireAtBrowserClose: "boolean",
  timeZone: "string",
  table: "string",
  salt: "string",
  lostWrites: ["drop", "throw"],
  saveOnError: "boolean",
  storeTimeout: "seconds",
  cookieDomain: "any",
  cookiePath: "any",
  cookieHttpOnly: "any",
  cookieSecure: "any",
  cacheControl: "any",
  trackNested: "any",
  onRefused: "any",
  now: "any",
};
const TWO_WEEKS = 14 * 24 * 60 * 60;

/**
 * Shares the sessions of a Django project (`django.contrib.sessions` with the database engine): the same `sessionid`
 * cookie, the same row of `django_session`, the same behaviour. Visitors logged in to one app are logged in to the other.
 *
 * `session.destroy()` is `flush()`, `session.regenerate({ keep: true })` is `cycle_key()`. Unlike in Django, parallel
 * requests lose no writes: a save applies the changes to the current row. A deleted row stays deleted. Django's
 * `clearsessions` removes expired rows.
 *
 * @param database the project's database: a `Pool` of `pg`, a pool of `mysql2/promise`, or a SQLite file or database
 * @throws ConfigError for invalid options
 * @example
 * ```ts no-run
 * import pg from "pg";
 * import { djangoSessions } from "hipflask/django";
 * import { sessions } from "hipflask/hono";
 *
 * const database = new pg.Pool({ connectionString: process.env.DATABASE_URL });
 * const sessionInterface = djangoSessions(database, { secretKey: process.env.SECRET_KEY ?? "" });
 * export const middleware = sessions({ sessionInterface });
 * ```
 */
export function djangoSessions(database: DjangoDatabase, options: DjangoSessionsOptions): SessionInterface {
  checkOptions("djangoSessions", options ?? {}, KINDS);
  const {
    secretKey,
    secretKeyFallbacks = [],
    salt,
    expireAtBrowserClose,
    timeZone = "UTC",
    ...rest
  } = options ?? {};
  const { table = "django_session", lostWrites, saveOnError, storeTimeout, ...cookie } = rest;
  const cookieSameSite = cookie.cookieSameSite === undefined ? "Lax" : cookie.cookieSameSite;
  const config = resolveOptions({
    ...cookie,
    cookieName: cookie.cookieName ?? "sessionid",
    cookieSameSite,
    lifetime: cookie.lifetime ?? TWO_WEEKS,
    refreshEachRequest: cookie.refreshEachRequest ?? false,
  });
  // Werkzeug escapes a path and Django does not.
  if (typeof config.cookiePath === "string") checkAttribute("path", config.cookiePath);
  if (secretKey === undefined || secretKey === null || secretKey.length === 0) {
    throw new ConfigError(
      'djangoSessions needs the project\'s SECRET_KEY as "secretKey": it signs what is stored.',
    );
  }
  const keys = { secretKey, secretKeyFallbacks, ...(salt !== undefined && { salt }) };
  const data = djangoSessionData(keys);
  return new DjangoSessionInterface({
    ...config,
    // Django preserves the order of keys.
    json: new TaggedJSONSerializer({ sortKeys: false }),
    store: new DjangoTable(database, { table, timeZone, now: config.now }),
    format: { decode: data.decode, encode: (fields) => data.encode(fields, config.now()) },
    expireAtBrowserClose: expireAtBrowserClose ?? false,
    timeZone,
    saveOnError: saveOnError ?? false,
    lostWrites: lostWrites ?? "drop",
    storeTimeout: storeTimeout ?? 2,
  });
}
