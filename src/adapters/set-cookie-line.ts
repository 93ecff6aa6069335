import { toSameSite, type CookieAttributes } from "../cookie.ts";

/** A Set-Cookie line taken apart, for frameworks that take cookies and not lines. */
export interface SetCookie {
  readonly name: string;
  /** As it travels: neither encoded nor unquoted. */
  readonly value: string;
  readonly attributes: CookieAttributes;
}

/** Reads a line that one of our interfaces wrote. */
export function parseSetCookie(line: string): SetCookie {
  const [pair = "", ...rest] = line.split("; ");
  const attributes = new Map(rest.map((attribute) => split(attribute.toLowerCase(), attribute)));
  const expires = attributes.get("expires");
  const maxAge = attributes.get("max-age");
  const [name, value] = split(pair);
  return {
    name,
    value,
    attributes: {
      domain: attributes.get("domain"),
      expires: expires === undefined ? undefined : Date.parse(expires),
      maxAge: maxAge === undefined ? undefined : Number(maxAge),
      secure: attributes.has("secure"),
      httpOnly: attributes.has("httponly"),
      path: attributes.get("path"),
      sameSite: toSameSite(attributes.get("samesite") ?? ""),
      partitioned: attributes.has("partitioned"),
    },
  };
}

/** Cuts at the first `=`; the name is taken from `named`, the value from `text`. */
function split(named: string, text: string = named): [name: string, value: string] {
  const equals = named.indexOf("=");
  return equals === -1 ? [named, ""] : [named.slice(0, equals), text.slice(equals + 1)];
}
