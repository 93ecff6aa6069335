import { domainToASCII } from "node:url";
import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { formatHttpDate } from "../json/http-date.ts";

/** The value of `SameSite` as it is sent. */
export type SameSite = "Strict" | "Lax" | "None";

/** RFC 6265 attributes of a Set-Cookie line; absent ones are not written. */
export interface CookieAttributes {
  readonly domain?: string | undefined;
  /** Epoch milliseconds, rounded down to the second. */
  readonly expires?: number | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
  readonly secure?: boolean | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly path?: string | undefined;
  readonly sameSite?: SameSite | undefined;
  /** Implies `secure`, as browsers require. */
  readonly partitioned?: boolean | undefined;
}

const UNQUOTED = /^[\w!#$%&'()*+\-./:<=>?@[\]^`{|}~]*$/;
const QUOTED_VALUE = /[ \t]*("(?:[^\\"]|\\.)*")[ \t]*(?=;|$)/y;
const ESCAPE = /\\([0-3][0-7]{2}|[^])/g;

/**
 * Parses a Cookie header: pairs end only at `;` (RFC 6265bis §5.6), names and values are trimmed, a pair without a name is
 * dropped, and a value enclosed in double quotes is unquoted, as Werkzeug and Python write them. A quote in one cookie
 * cannot swallow another cookie.
 *
 * @returns every pair in order, repeated names included
 * @example
 * ```ts
 * import { parseCookie } from "hipflask";
 * console.log(parseCookie('session=abc; theme="dark"')); // [ [ 'session', 'abc' ], [ 'theme', 'dark' ] ]
 * ```
 */
export function parseCookie(header: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of pairsOf(header)) if (name !== "") pairs.push([name, unquoted(value)]);
  return pairs;
}

/**
 * How the other program that uses a cookie selects it: `"werkzeug"` (Flask) takes the first of the name, and a `;` between
 * quotes belongs to the value; `"python"` (Django) takes the last, unquoted. `"strict"` is for cookies that only hipflask
 * writes: all of the name, as in RFC 6265bis §5.6, so that no other cookie can hide one.
 */
export type CookieGrammar = "strict" | "werkzeug" | "python";

/** Further cookies of one name are ignored. */
const MAX_CANDIDATES = 8;

/** The distinct values of a name that may be a session. */
export function candidatesOf(header: string, name: string, grammar: CookieGrammar = "strict"): string[] {
  if (grammar === "werkzeug") return [readCookie(header, name)].filter((text) => text !== undefined);
  const texts = readCookies(header, name);
  if (grammar === "python") return texts.slice(-1).map(unquoted);
  return [...new Set(texts)].slice(0, MAX_CANDIDATES);
}

/**
 * The value of a cookie as Werkzeug reads it, or `undefined` if the header has none of that name. Of several, the first
 * wins, as in Flask: browsers send the one with the longest path first.
 */
export function readCookie(header: string, name: string): string | undefined {
  // Only a quote can hide a semicolon, so only then the whole header is parsed.
  if (header.includes('"')) return readQuoted(header, name);
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    if (!startsPair(header, at)) continue;
    const equals = skipBlanks(header, at + name.length);
    if (equals === header.length || header[equals] === ";") return "";
    if (header[equals] === "=") return trim(header, equals + 1, endOf(header, ";", equals, header.length));
  }
  return undefined;
}

/** The first value of a name if a `;` between quotes belongs to the value. */
function readQuoted(header: string, name: string): string | undefined {
  let equals = -1;
  for (let at = 0; at < header.length;) {
    let end = endOf(header, ";", at, header.length);
    if (equals < at) equals = endOf(header, "=", at, header.length);
    QUOTED_VALUE.lastIndex = equals + 1;
    const quoted = equals < end ? QUOTED_VALUE.exec(header) : null;
    const isIt = trim(header, at, Math.min(equals, end)) === name;
    if (isIt) return quoted === null ? trim(header, equals + 1, end) : unquote(quoted[1]!);
    if (quoted !== null) end = QUOTED_VALUE.lastIndex;
    at = end + 1;
  }
  return undefined;
}

/** Every value of a name, in order, by RFC 6265bis §5.6: quotes have no meaning. */
export function readCookies(header: string, name: string): string[] {
  const values: string[] = [];
  for (const [given, value] of pairsOf(header)) if (given === name) values.push(value);
  return values;
}

function* pairsOf(header: string): Generator<readonly [name: string, value: string]> {
  // Searched once for all pairs before it, since a search per pair takes quadratic time.
  let equals = -1;
  for (let at = 0; at < header.length;) {
    const end = endOf(header, ";", at, header.length);
    if (equals < at) equals = endOf(header, "=", at, header.length);
    yield [trim(header, at, Math.min(equals, end)), trim(header, equals + 1, end)];
    at = end + 1;
  }
}

/** Removes double quotes that enclose a value, and their escapes; other values stay as they are. */
function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? unquote(value) : value;
}

const ATTRIBUTES = ["domain", "expires", "maxAge", "secure", "httpOnly", "path", "sameSite", "partitioned"];

/**
 * Serializes a Set-Cookie line exactly like Werkzeug's `dump_cookie`: same order of attributes, same quoting.
 *
 * @throws ConfigError for an attribute value that contains a delimiter
 * @param name not checked; check it first with {@link checkCookieName}
 * @example
 * ```ts
 * import { dumpCookie } from "hipflask";
 * console.log(dumpCookie("session", "abc", { httpOnly: true, path: "/" })); // session=abc; HttpOnly; Path=/
 * ```
 */
export function dumpCookie(name: string, value: string, attributes: CookieAttributes = {}): string {
  checkNames("dumpCookie", attributes, ATTRIBUTES);
  return cookieLine(name, value, attributes);
}

/** {@link dumpCookie} without checking the names of attributes, for the library's own. */
export function cookieLine(name: string, value: string, attributes: CookieAttributes): string {
  const { domain, expires, maxAge, httpOnly, path, sameSite, partitioned } = attributes;
  // Headers are bytes: a non-ASCII name is sent as UTF-8, represented as Latin-1.
  const wireName = UNQUOTED.test(name) ? name : Buffer.from(name).toString("latin1");
  let line = `${wireName}=${quote(value)}`;
  if (domain !== undefined) line += `; Domain=${checkAttribute("domain", asciiDomain(domain))}`;
  if (expires !== undefined) line += `; Expires=${formatHttpDate(expires)}`;
  if (maxAge !== undefined) line += `; Max-Age=${wholeSeconds(maxAge)}`;
  if (attributes.secure === true || partitioned === true) line += "; Secure";
  if (httpOnly === true) line += "; HttpOnly";
  if (path !== undefined) line += `; Path=${quotePath(path)}`;
  if (sameSite !== undefined) line += `; SameSite=${checkAttribute("SameSite", sameSite)}`;
  if (partitioned === true) line += "; Partitioned";
  return line;
}

function wholeSeconds(maxAge: number): number {
  if (Number.isFinite(maxAge)) return Math.trunc(maxAge);
  throw new ConfigError("The maxAge of a cookie must be a finite number of seconds.");
}

/** @throws ConfigError for a value that contains a delimiter (RFC 6265 §4.1.1): values computed per request are not checked at start-up. */
export function checkAttribute(name: string, value: string): string {
  if (/^[!-:<-~]*$/.test(value)) return value;
  throw new ConfigError(`The ${name} of a cookie must not contain spaces, control characters or ";".`);
}

/** @throws ConfigError unless the name is an RFC 6265 §4.1.1 token. */
export function checkCookieName(name: unknown, label = '"cookieName"'): string {
  if (typeof name === "string" && /^[\w!#$%&'*+\-.^`|~]+$/.test(name)) return name;
  throw new ConfigError(
    `${label} (${JSON.stringify(name)}) is not a cookie name: use letters, digits and any of !#$%&'*+-.^_\`|~`,
  );
}

/** Normalises the case of a SameSite value; `undefined` for an unknown one. */
export function toSameSite(word: string): SameSite | undefined {
  const words: readonly SameSite[] = ["Strict", "Lax", "None"];
  return words.find((known) => known.toLowerCase() === word.toLowerCase());
}

/** Removes port and leading dots and keeps the case; non-ASCII domains are IDNA-encoded. */
export function asciiDomain(domain: string): string {
  const host = domain.replace(/:[^]*$/, "").replace(/^\.+/, "");
  // oxlint-disable-next-line no-control-regex -- the ASCII range
  return /^[\x00-\x7f]*$/.test(host) ? host : domainToASCII(host);
}

/** Percent-encodes like Python's `quote` with Werkzeug's safe set; an existing `%20` is kept. */
function quotePath(path: string): string {
  return path.replace(/[^\w.\-~%!$&'()*+,/:=@]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function quote(value: string): string {
  if (UNQUOTED.test(value)) return value;
  const escaped = Array.from(Buffer.from(value), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    // Werkzeug does not escape 0x1A to 0x1F either; session values never contain them.
    const isOctal = byte <= 0x19 || byte === 0x2c || byte === 0x3b || byte >= 0x7f;
    return isOctal ? `\\${byte.toString(8).padStart(3, "0")}` : String.fromCharCode(byte);
  });
  return `"${escaped.join("")}"`;
}

function unquote(quoted: string): string {
  const inner = Buffer.from(quoted.slice(1, -1)).toString("latin1");
  const bytes = inner.replace(ESCAPE, (_, escape: string) =>
    escape.length === 3 ? String.fromCharCode(Number.parseInt(escape, 8)) : escape,
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Whether a pair begins here: only blanks since the last `;`. */
function startsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isBlank(header, before)) before--;
  return before < 0 || header[before] === ";";
}

function skipBlanks(header: string, at: number): number {
  while (at < header.length && isBlank(header, at)) at++;
  return at;
}

function trim(text: string, start: number, end: number): string {
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, Math.max(start, end));
}

/** Trims only space and tab (RFC 6265bis §5.6): a name with other white space is another name. */
function isBlank(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || unit === 0x09;
}

function endOf(text: string, mark: string, from: number, end: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 || found > end ? end : found;
}
