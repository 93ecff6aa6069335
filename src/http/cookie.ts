import { domainToASCII } from "node:url";
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
 * Reads a Cookie header the way Werkzeug does: pairs end at `;` (never at `,`), names and values are trimmed, a pair
 * without a name is dropped, and a value in double quotes is unquoted. A `;` between quotes belongs to the value.
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
  for (let at = 0; at < header.length;) {
    const semicolon = endOf(header, ";", at, header.length);
    const equals = endOf(header, "=", at, semicolon);
    let end = semicolon;
    let value = trim(header, equals + 1, semicolon);
    QUOTED_VALUE.lastIndex = equals + 1;
    const quoted = equals < semicolon ? QUOTED_VALUE.exec(header) : null;
    if (quoted !== null) {
      end = QUOTED_VALUE.lastIndex;
      value = unquote(quoted[1]!);
    }
    const name = trim(header, at, equals);
    if (name !== "") pairs.push([name, value]);
    at = end + 1;
  }
  return pairs;
}

/**
 * The value of one cookie, or `undefined` where the header has none of that name. Of several with equal names the
 * first wins, as in Flask: browsers send the one with the longest path first.
 */
export function readCookie(header: string, name: string): string | undefined {
  // A quote anywhere may hide a semicolon, so only then is the whole header worth parsing.
  if (header.includes('"')) return parseCookie(header).find((pair) => pair[0] === name)?.[1];
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    if (!startsPair(header, at)) continue;
    const equals = skipBlanks(header, at + name.length);
    if (equals === header.length || header[equals] === ";") return "";
    if (header[equals] === "=") return trim(header, equals + 1, endOf(header, ";", equals, header.length));
  }
  return undefined;
}

/**
 * Every value of a name, in order, read strictly by RFC 6265bis §5.6: a `;` always ends a pair, quotes mean nothing. For
 * cookies that only we write, so that no other cookie can hide or forge one by quoting.
 */
export function readCookies(header: string, name: string): string[] {
  const pairs = header.split(";").map((pair) => pair.split(/=([^]*)/, 2));
  return pairs
    .filter(([given = ""]) => trim(given, 0, given.length) === name)
    .map(([, value = ""]) => trim(value, 0, value.length));
}

/**
 * Writes one Set-Cookie line exactly as Werkzeug's `dump_cookie` does: same order of attributes, same quoting.
 *
 * @param name taken as it is; check it first with {@link checkCookieName}
 * @example
 * ```ts
 * import { dumpCookie } from "hipflask";
 * console.log(dumpCookie("session", "abc", { httpOnly: true, path: "/" })); // session=abc; HttpOnly; Path=/
 * ```
 */
export function dumpCookie(name: string, value: string, attributes: CookieAttributes = {}): string {
  const { domain, expires, maxAge, httpOnly, path, sameSite, partitioned } = attributes;
  // Headers carry bytes: a name beyond ASCII travels as UTF-8 seen as Latin-1.
  const wireName = UNQUOTED.test(name) ? name : Buffer.from(name).toString("latin1");
  let line = `${wireName}=${quote(value)}`;
  if (domain !== undefined) line += `; Domain=${asciiDomain(domain)}`;
  if (expires !== undefined) line += `; Expires=${formatHttpDate(expires)}`;
  if (maxAge !== undefined) line += `; Max-Age=${Math.trunc(maxAge)}`;
  if (attributes.secure === true || partitioned === true) line += "; Secure";
  if (httpOnly === true) line += "; HttpOnly";
  if (path !== undefined) line += `; Path=${quotePath(path)}`;
  if (sameSite !== undefined) line += `; SameSite=${sameSite}`;
  if (partitioned === true) line += "; Partitioned";
  return line;
}

/** @throws ConfigError unless the name is an RFC 6265 §4.1.1 token. */
export function checkCookieName(name: string): string {
  if (/^[\w!#$%&'*+\-.^`|~]+$/.test(name)) return name;
  throw new ConfigError(
    `cookieName ${JSON.stringify(name)} is not a cookie name: use letters, digits and any of !#$%&'*+-.^_\`|~`,
  );
}

/** Any capitalisation of a SameSite word as it is sent, or `undefined` for a word that is none. */
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
