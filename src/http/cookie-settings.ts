import { ConfigError } from "../errors.ts";
import { asciiDomain, checkCookieName, toSameSite, type SameSite } from "./cookie.ts";

/** The name and the attributes of a session cookie, except those of its lifetime. */
export interface CookieSettings {
  readonly cookieName: string;
  readonly cookieDomain: string | undefined;
  readonly cookiePath: string | undefined;
  readonly cookieHttpOnly: boolean;
  /** `"auto"`: if the request uses HTTPS. */
  readonly cookieSecure: boolean | "auto";
  readonly cookieSameSite: SameSite | undefined;
  readonly cookiePartitioned: boolean;
}

/**
 * Checks settings of unknown type: options, or the results of overridden methods.
 *
 * @param labelOf names the source of a setting in an error message
 * @throws ConfigError for a value that could inject another attribute, or that browsers would ignore
 */
export function checkCookieSettings(
  given: Readonly<Record<keyof CookieSettings, unknown>>,
  labelOf: (setting: keyof CookieSettings) => string,
): CookieSettings {
  const settings: CookieSettings = {
    cookieName: checkCookieName(given.cookieName, labelOf("cookieName")),
    cookieDomain: checkDomain(given.cookieDomain, labelOf("cookieDomain")),
    cookiePath: checkPath(given.cookiePath, labelOf("cookiePath")),
    cookieHttpOnly: checkBoolean(given.cookieHttpOnly, labelOf("cookieHttpOnly")),
    cookieSecure: checkSecure(given.cookieSecure, labelOf("cookieSecure")),
    cookieSameSite: checkSameSite(given.cookieSameSite, labelOf("cookieSameSite")),
    cookiePartitioned: checkBoolean(given.cookiePartitioned, labelOf("cookiePartitioned")),
  };
  const { cookieSameSite, cookieSecure, cookiePartitioned } = settings;
  if (cookieSameSite === "None" && cookieSecure === false && !cookiePartitioned) {
    throw new ConfigError(
      `${labelOf("cookieSameSite")} is "None", which browsers ignore without Secure; write cookieSecure: true, or "Lax".`,
    );
  }
  return settings;
}

/** @throws ConfigError */
export function checkDomain(domain: unknown, label: string): string | undefined {
  if (domain === undefined || domain === null || domain === "") return undefined;
  const host = asciiDomain(checkText(domain, label));
  if (!/^[\w\-.]+$/.test(host) || (domain as string).includes("/"))
    throw new ConfigError(`${label} is not a domain name; write "example.com".`);
  return domain as string;
}

/** @throws ConfigError */
export function checkPath(path: unknown, label: string): string | undefined {
  if (path === undefined || path === null) return undefined;
  const text = checkText(path, label);
  if (text.startsWith("/")) return text;
  throw new ConfigError(`${label} must begin with "/", or browsers ignore it; write "/shop".`);
}

/** RFC 6265 §4.1.1: no attribute may hold a control character. A semicolon in a path is percent-encoded. */
function checkText(value: unknown, label: string): string {
  if (typeof value !== "string") throw new ConfigError(`${label} must be a string.`);
  if (Buffer.byteLength(value) > 1024)
    throw new ConfigError(`${label} must be at most 1024 bytes, or browsers ignore it.`);
  // oxlint-disable-next-line no-control-regex -- finds control characters
  if (/[\x00-\x1f\x7f]/.test(value)) throw new ConfigError(`${label} must not contain control characters.`);
  return value;
}

function checkBoolean(value: unknown, label: string): boolean {
  if (typeof value === "boolean") return value;
  throw new ConfigError(`${label} must be true or false.`);
}

function checkSecure(value: unknown, label: string): boolean | "auto" {
  if (typeof value === "boolean" || value === "auto") return value;
  throw new ConfigError(`${label} must be true, false or "auto".`);
}

function checkSameSite(word: unknown, label: string): SameSite | undefined {
  if (word === undefined || word === null) return undefined;
  const sameSite = typeof word === "string" ? toSameSite(word) : undefined;
  if (sameSite !== undefined) return sameSite;
  throw new ConfigError(`${label} must be "Strict", "Lax" or "None", or left out.`);
}
