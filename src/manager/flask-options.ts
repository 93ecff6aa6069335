import { checkCount } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { SessionOptions } from "./options.ts";

/** Flask's session settings under Flask's names. Python's `None` is null. */
export interface FlaskConfig {
  readonly SECRET_KEY?: SecretKey | null | undefined;
  readonly SECRET_KEY_FALLBACKS?: readonly SecretKey[] | null | undefined;
  readonly SESSION_COOKIE_NAME?: string | undefined;
  readonly SESSION_COOKIE_DOMAIN?: string | false | null | undefined;
  readonly SESSION_COOKIE_PATH?: string | null | undefined;
  readonly SESSION_COOKIE_HTTPONLY?: boolean | undefined;
  readonly SESSION_COOKIE_SECURE?: boolean | undefined;
  readonly SESSION_COOKIE_SAMESITE?: string | null | undefined;
  readonly SESSION_COOKIE_PARTITIONED?: boolean | undefined;
  readonly SESSION_REFRESH_EACH_REQUEST?: boolean | undefined;
  /** Seconds; Python's `timedelta.total_seconds()`. */
  readonly PERMANENT_SESSION_LIFETIME?: number | undefined;
  readonly APPLICATION_ROOT?: string | null | undefined;
  readonly MAX_COOKIE_SIZE?: number | undefined;
  /** Other Flask settings are ignored. */
  readonly [setting: string]: unknown;
}

/**
 * Converts a Flask configuration to options with the same meaning. Settings that do not concern sessions are ignored;
 * unsupported session settings are refused.
 *
 * @throws ConfigError for an unknown `SESSION_…` setting
 * @example
 * ```ts
 * import { optionsFromFlask } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 * export const withSession = sessions(
 *   optionsFromFlask({ SECRET_KEY: "dev", SESSION_COOKIE_NAME: "shop", PERMANENT_SESSION_LIFETIME: 3600 }),
 * );
 * ```
 */
export function optionsFromFlask(config: FlaskConfig): SessionOptions {
  checkCount(
    "optionsFromFlask",
    arguments,
    1,
    "other options go beside its own, as in { ...optionsFromFlask(config), store }",
  );
  for (const name of Object.keys(config)) {
    if (/^SESSION_|^(SECRET_KEY|PERMANENT_SESSION|MAX_COOKIE)/.test(name) && !KNOWN.has(name)) {
      throw new ConfigError(`The Flask setting "${name}" has no counterpart here.${didYouMean(name, KNOWN)}`);
    }
  }
  const root = config.APPLICATION_ROOT === undefined ? "/" : config.APPLICATION_ROOT;
  return {
    // Flask starts without a key, but refuses writes.
    secretKey: config.SECRET_KEY ?? null,
    secretKeyFallbacks: config.SECRET_KEY_FALLBACKS,
    cookieName: config.SESSION_COOKIE_NAME,
    cookieDomain: config.SESSION_COOKIE_DOMAIN || undefined,
    cookiePath: config.SESSION_COOKIE_PATH || root,
    cookieHttpOnly: toBoolean(config.SESSION_COOKIE_HTTPONLY),
    cookieSecure: toBoolean(config.SESSION_COOKIE_SECURE),
    cookieSameSite: config.SESSION_COOKIE_SAMESITE,
    cookiePartitioned: toBoolean(config.SESSION_COOKIE_PARTITIONED),
    refreshEachRequest: toBoolean(config.SESSION_REFRESH_EACH_REQUEST),
    lifetime: config.PERMANENT_SESSION_LIFETIME,
    maxCookieSize: config.MAX_COOKIE_SIZE,
  };
}

const KNOWN: ReadonlySet<string> = new Set([
  "SECRET_KEY",
  "SECRET_KEY_FALLBACKS",
  "SESSION_COOKIE_NAME",
  "SESSION_COOKIE_DOMAIN",
  "SESSION_COOKIE_PATH",
  "SESSION_COOKIE_HTTPONLY",
  "SESSION_COOKIE_SECURE",
  "SESSION_COOKIE_SAMESITE",
  "SESSION_COOKIE_PARTITIONED",
  "SESSION_REFRESH_EACH_REQUEST",
  "PERMANENT_SESSION_LIFETIME",
  "MAX_COOKIE_SIZE",
]);

/** Python code may use 1 and 0; other types are refused when the options are checked. */
function toBoolean(value: unknown): boolean | undefined {
  return value === 1 || value === 0 ? value === 1 : (value as boolean | undefined);
}
