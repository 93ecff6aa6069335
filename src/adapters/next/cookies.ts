import { ConfigError } from "../../errors.ts";
import type { ResponseHeaders } from "../../http/response-headers.ts";
import { parseSetCookie, type CookieOptions } from "../../http/set-cookie-line.ts";

/** Where Next accepts cookies: its store, or the `cookies` of a `NextResponse`. */
export interface NextCookieWriter {
  set(name: string, value: string, options: CookieOptions): unknown;
}

/** The part of the result of `await cookies()` that is used. */
export interface NextCookies extends NextCookieWriter {
  getAll(): { readonly name: string; readonly value: string }[];
  delete(name: string): unknown;
}

/**
 * Whether Next refuses to set cookies now, which it otherwise reports only by throwing. While it renders, all methods that
 * change cookies are one function that throws; if that changes, saving still detects it.
 */
export function isReadOnly(cookies: NextCookies): boolean {
  return (cookies.set as unknown) === cookies.delete;
}

/**
 * The Cookie header that the browser would send now: the original one, except for the cookies that proxy,
 * action or handler have changed since.
 */
export function cookieHeaderOf(sent: string, cookies: NextCookies): string {
  const pairs = sent.split(";").map((pair) => pair.trim());
  const current = cookies.getAll();
  const sentNow = pairs.filter((pair) => current.some((cookie) => isSame(pair, cookie)));
  const names = new Set(sentNow.map(nameOf));
  // Of several cookies of a name, Next has the last; the others are kept as well, since Flask takes the first.
  const kept = pairs.filter((pair) => names.has(nameOf(pair)));
  const changed = current.filter(({ name, value }) => value !== "" && !names.has(name));
  return [...kept, ...changed.map(({ name, value }) => `${name}=${value}`)].join("; ");
}

/**
 * The session's headers if only cookies can be set. Other headers are not needed, since Next marks what it renders for a
 * visitor as `no-store`.
 */
export function cookieHeaders(cookies: NextCookieWriter): ResponseHeaders {
  return { get: () => null, set: () => {}, append: (name, line) => append(cookies, name, line) };
}

/** The headers of a `NextResponse`: cookies go through its own `cookies`, which also shows them to the page behind a proxy. */
export function nextResponseHeaders(headers: Headers, cookies: NextCookieWriter): ResponseHeaders {
  return {
    get: (name) => headers.get(name),
    set: (name, value) => headers.set(name, value),
    append: (name, line) => append(cookies, name, line),
  };
}

function append(cookies: NextCookieWriter, header: string, line: string): void {
  if (header !== "Set-Cookie") return;
  const { name, value, options } = parseSetCookie(line);
  if (encodeURIComponent(value) !== value) {
    throw new ConfigError(
      `Next percent-encodes the cookies that it sets, which would change the value of the "${name}" cookie. ` +
        "Use another codec, or return a Response from a route handler in `withSession`.",
    );
  }
  cookies.set(name, value, options);
}

function nameOf(pair: string): string {
  return pair.split("=", 1)[0]!.trim();
}

function isSame(pair: string, { name, value }: { readonly name: string; readonly value: string }): boolean {
  if (nameOf(pair) !== name) return false;
  const text = pair.slice(pair.indexOf("=") + 1).trim();
  return text === value || decoded(text) === value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
