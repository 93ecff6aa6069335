import { ConfigError } from "../../errors.ts";
import type { ResponseHeaders } from "../../http/response-headers.ts";
import { parseSetCookie, type CookieOptions } from "../../http/set-cookie-line.ts";

/** Where Next takes cookies: its store, or the `cookies` of a `NextResponse`. */
export interface NextCookieWriter {
  set(name: string, value: string, options: CookieOptions): unknown;
}

/** The part of what `await cookies()` gives that is used. */
export interface NextCookies extends NextCookieWriter {
  getAll(): { readonly name: string; readonly value: string }[];
  delete(name: string): unknown;
}

/**
 * Whether Next refuses to set cookies now, which it says only by throwing. While it renders, whatever would change
 * cookies is one and the same function that throws; should that change, saving still finds out.
 */
export function isReadOnly(cookies: NextCookies): boolean {
  return (cookies.set as unknown) === cookies.delete;
}

/**
 * The Cookie header as the browser would send it now: as it was sent, text for text, but for the cookies that proxy,
 * action or handler have changed since.
 */
export function cookieHeaderOf(sent: string, cookies: NextCookies): string {
  const pairs = sent.split(";").map((pair) => pair.trim());
  const current = cookies.getAll();
  const sentNow = pairs.filter((pair) => current.some((cookie) => isSame(pair, cookie)));
  const names = new Set(sentNow.map(nameOf));
  // Of several cookies of a name Next knows the last; the others come back with it, for Flask takes the first.
  const kept = pairs.filter((pair) => names.has(nameOf(pair)));
  const changed = current.filter(({ name, value }) => value !== "" && !names.has(name));
  return [...kept, ...changed.map(({ name, value }) => `${name}=${value}`)].join("; ");
}

/**
 * Takes the session's headers where only cookies can be set. Next forbids storing what it renders for a visitor by
 * itself, so nothing else is needed there.
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
      `Next percent-encodes the cookies that it sets, and the text of the "${name}" cookie would not survive that. ` +
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
