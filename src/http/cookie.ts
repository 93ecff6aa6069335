import { domainToASCII } from "node:url";
import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { formatHttpDate } from "../json/http-date.ts";

/** The value of `SameSite`, spelled as it is sent. */
export type SameSite = "Strict" | "Lax" | "None";

/** RFC 6265 attributes of a Set-Cookie line; what is absent is not written. */
export interface CookieAttributes {
  readonly domain?: string | undefined;
  /** Epoch milliseconds; the fraction of a second is cut. */
  readonly expires?: number | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
  readonly secure?: boolean | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly path?: string | undefined;
  readonly sameSite?: SameSite | undefined;
  /** Implies `secure`, as browsers demand. */
  readonly partitioned?: boolean | undefined;
}

const UNQUOTED = /^[\w!#$%&'()*+\-./:<=>?@[\]^`{|}~]*$/;
const QUOTED_VALUE = /[ \t]*("(?:[^\\"]|\\.)*")[ \t]*(?=;|$)/y;
const ESCAPE = /\\([0-3][0-7]{2}|[^])/g;

/**
 * Reads a Cookie header: pairs end at `;` and nowhere else (RFC 6265bis §5.6), names and values are trimmed, a pair without
 * a name is dropped, and a value that stands wholly in double quotes is unquoted, as Werkzeug and Python write them. No
 * quote of one cookie can take the text of another into its value.
 *
 * @returns every pair in order, equal names included
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
 * How the program on the other side of a cookie finds it among those of a request: `"werkzeug"` (Flask) takes the first
 * of its name, and a `;` between quotes belongs to a value; `"python"` (Django) takes the last, unquoted. `"strict"` is
 * for cookies that only we write: all of the name, as RFC 6265bis §5.6 has them, so that no other cookie can hide one.
 */
export type CookieGrammar = "strict" | "werkzeug" | "python";

/** More cookies of one name than this are ignored. */
const MAX_CANDIDATES = 8;

/** The values of a name that may be a session, each once. */
export function candidatesOf(header: string, name: string, grammar: CookieGrammar = "strict"): string[] {
  if (grammar === "werkzeug") return [readCookie(header, name)].filter((text) => text !== undefined);
  const texts = readCookies(header, name);
  if (grammar === "python") return texts.slice(-1).map(unquoted);
  return [...new Set(texts)].slice(0, MAX_CANDIDATES);
}

/**
 * The value of one cookie as Werkzeug reads it, or `undefined` where the header has none of that name. Of several with
 * equal names the first wins, as in Flask: browsers send the one with the longest path first.
 */
export function readCookie(header: string, name: string): string | undefined {
  // A quote anywhere may hide a semicolon, so only then is the whole header worth parsing.
  if (header.includes('"')) return readQuoted(header, name);
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    if (!startsPair(header, at)) continue;
    const equals = skipBlanks(header, at + name.length);
    if (equals === header.length || header[equals] === ";") return "";
    if (header[equals] === "=") return trim(header, equals + 1, endOf(header, ";", equals, header.length));
  }
  return undefined;
}

/** The first value of a name where a `;` between quotes belongs to the value. */
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

/** Every value of a name, in order, as RFC 6265bis §5.6 has them: quotes mean nothing. */
export function readCookies(header: string, name: string): string[] {
  const values: string[] = [];
  for (const [given, value] of pairsOf(header)) if (given === name) values.push(value);
  return values;
}

function* pairsOf(header: string): Generator<readonly [name: string, value: string]> {
  // Looked for once for all pairs before it, or a header without any would be searched again for each.
  let equals = -1;
  for (let at = 0; at < header.length;) {
    const end = endOf(header, ";", at, header.length);
    if (equals < at) equals = endOf(header, "=", at, header.length);
    yield [trim(header, at, Math.min(equals, end)), trim(header, equals + 1, end)];
    at = end + 1;
  }
}

/** A value that is wholly in double quotes, without them and their escapes; any other as it is. */
function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? unquote(value) : value;
}

const ATTRIBUTES = ["domain", "expires", "maxAge", "secure", "httpOnly", "path", "sameSite", "partitioned"];

/**
 * Writes one Set-Cookie line exactly as Werkzeug's `dump_cookie` does: same order of attributes, same quoting.
 *
 * @throws ConfigError for an attribute that would end before its end
 * @param name taken as it is; check it first with {@link checkCookieName}
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

/** {@link dumpCookie} for attributes whose names are right: every session that is saved passes here. */
export function cookieLine(name: string, value: string, attributes: CookieAttributes): string {
  const { domain, expires, maxAge, httpOnly, path, sameSite, partitioned } = attributes;
  // Headers carry bytes: a name beyond ASCII travels as UTF-8 seen as Latin-1.
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

/** @throws ConfigError if the value would not stay within its attribute (RFC 6265 §4.1.1): what was made per request is not checked at start-up. */
export function checkAttribute(name: string, value: string): string {
  if (/^[!-:<-~]*$/.test(value)) return value;
  throw new ConfigError(`The ${name} of a cookie must hold no spaces, no control characters and no ";".`);
}

/** @throws ConfigError unless the name is an RFC 6265 §4.1.1 token. */
export function checkCookieName(name: unknown, label = '"cookieName"'): string {
  if (typeof name === "string" && /^[\w!#$%&'*+\-.^`|~]+$/.test(name)) return name;
  throw new ConfigError(
    `${label} (${JSON.stringify(name)}) is not a cookie name: use letters, digits and any of !#$%&'*+-.^_\`|~`,
  );
}

/** A SameSite value in any capitalisation as it is sent, or `undefined` for an unknown one. */
export function toSameSite(word: string): SameSite | undefined {
  const words: readonly SameSite[] = ["Strict", "Lax", "None"];
  return words.find((known) => known.toLowerCase() === word.toLowerCase());
}

/** Without a port and leading dots, case kept; only what is not ASCII goes through IDNA. */
export function asciiDomain(domain: string): string {
  const host = domain.replace(/:[^]*$/, "").replace(/^\.+/, "");
  // oxlint-disable-next-line no-control-regex -- the ASCII range is what is meant
  return /^[\x00-\x7f]*$/.test(host) ? host : domainToASCII(host);
}

/** Percent-encodes as Python's `quote` with Werkzeug's safe set; an existing `%20` is kept. */
function quotePath(path: string): string {
  return path.replace(/[^\w.\-~%!$&'()*+,/:=@]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function quote(value: string): string {
  if (UNQUOTED.test(value)) return value;
  const escaped = Array.from(Buffer.from(value), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    // 0x1A to 0x1F slip through unescaped in Werkzeug as well; session values never hold them.
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

/** Does a pair begin here, that is, is there nothing but blanks since the last `;`? */
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

/** Space and tab only: other white space in a name is never taken for ours (RFC 6265bis §5.6). */
function isBlank(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || unit === 0x09;
}

function endOf(text: string, mark: string, from: number, end: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 || found > end ? end : found;
}
