/** The attributes of a cookie as express-session keeps them. */
export interface SetCookieAttributes {
  readonly domain?: string | undefined;
  readonly path?: string | undefined;
  readonly expires?: unknown;
  readonly httpOnly?: boolean | undefined;
  readonly secure?: unknown;
  readonly partitioned?: boolean | undefined;
  readonly priority?: string | undefined;
  readonly sameSite?: string | boolean | undefined;
}

const NAME = /^[\w!#$%&'*+\-.^`|~]+$/;
const DOMAIN = /^\.?[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i;
const PATH = /^[ -:=-~]*$/;
const PRIORITIES = new Map<unknown, string>([
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
]);
const SAME_SITES = new Map<unknown, string>([
  [true, "Strict"],
  ["strict", "Strict"],
  ["lax", "Lax"],
  ["none", "None"],
]);

/**
 * One Set-Cookie line, byte for byte as `cookie` 0.7 writes it for express-session: its order of attributes, its
 * encoding, its checks and their messages.
 *
 * @throws TypeError for what cannot be put into a line
 */
export function setCookieLine(name: string, value: string, attributes: SetCookieAttributes): string {
  const { domain, path, expires, httpOnly, secure, partitioned, priority, sameSite } = attributes;
  if (!NAME.test(name)) throw new TypeError("argument name is invalid");
  let line = `${name}=${encodeURIComponent(value)}`;
  if (domain) line += `; Domain=${checked(domain, DOMAIN, "domain")}`;
  if (path) line += `; Path=${checked(path, PATH, "path")}`;
  if (expires) line += `; Expires=${dateText(expires)}`;
  if (httpOnly) line += "; HttpOnly";
  if (secure) line += "; Secure";
  if (partitioned) line += "; Partitioned";
  if (priority) line += `; Priority=${wordOf(PRIORITIES, priority, "priority")}`;
  if (sameSite) line += `; SameSite=${wordOf(SAME_SITES, sameSite, "sameSite")}`;
  return line;
}

function checked(value: string, pattern: RegExp, option: string): string {
  if (pattern.test(value)) return value;
  throw invalid(option);
}

function dateText(value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toUTCString();
  throw invalid("expires");
}

function wordOf(words: ReadonlyMap<unknown, string>, given: unknown, option: string): string {
  const word = words.get(typeof given === "string" ? given.toLowerCase() : given);
  if (word !== undefined) return word;
  throw invalid(option);
}

function invalid(option: string): TypeError {
  return new TypeError(`option ${option} is invalid`);
}
