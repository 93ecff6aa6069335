import type { CookieAttributes } from "./cookie.ts";

/** {@link CookieAttributes} as the `cookie` package and most frameworks accept them. */
export interface CookieOptions extends Omit<CookieAttributes, "expires" | "sameSite"> {
  readonly expires?: Date | undefined;
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
}

/** The parts of a Set-Cookie line, for frameworks that set cookies rather than header lines. */
export interface SetCookie {
  readonly name: string;
  /** The raw value: neither decoded nor unquoted. */
  readonly value: string;
  readonly options: CookieOptions;
}

/** Parses a Set-Cookie line that this library wrote. */
export function parseSetCookie(line: string): SetCookie {
  const [pair = "", ...rest] = line.split("; ");
  const attributes = new Map(rest.map(split).map(([name, value]) => [name.toLowerCase(), value]));
  const expires = attributes.get("expires");
  const maxAge = attributes.get("max-age");
  const [name, value] = split(pair);
  return {
    name,
    value,
    options: {
      domain: attributes.get("domain"),
      expires: expires === undefined ? undefined : new Date(expires),
      maxAge: maxAge === undefined ? undefined : Number(maxAge),
      secure: attributes.has("secure"),
      httpOnly: attributes.has("httponly"),
      path: attributes.get("path"),
      sameSite: attributes.get("samesite")?.toLowerCase() as CookieOptions["sameSite"],
      partitioned: attributes.has("partitioned"),
    },
  };
}

/** Splits at the first `=`. */
function split(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}
