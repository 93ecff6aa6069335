import type { TLSSocket } from "node:tls";
import { type Mac, mac, percentDecode, unsignExpressValue } from "../accepts/cookie-value.ts";
import type { CookieOptions } from "./cookie.ts";
import type { Config } from "./options.ts";
import type { SessionRequest } from "./session.ts";
import { readCookies } from "../http/cookie.ts";
import { deprecate } from "./deprecate.ts";

/** Whether a request uses HTTPS, as far as `proxy` allows to know. */
export function isSecure(req: SessionRequest, proxy: boolean | undefined): boolean {
  if ((req.socket as TLSSocket | undefined)?.encrypted) return true;
  if (proxy === false) return false;
  if (proxy !== true) return req.secure === true;
  const [protocol = ""] = [req.headers["x-forwarded-proto"] ?? ""].flat();
  return protocol.split(",", 1)[0]!.trim().toLowerCase() === "https";
}

/** The full path of the request, independent of where the middleware is mounted. */
export function pathOf(req: SessionRequest): string {
  const url = req.originalUrl || req.url || "/";
  if (url.startsWith("/")) return url.split(/[?#]/, 1)[0]!;
  try {
    return new URL(url).pathname;
  } catch {
    return "/";
  }
}

/** The options of the cookie for a request. */
export function cookieOptionsOf(req: SessionRequest, { cookie }: Config): CookieOptions {
  return typeof cookie === "function" ? cookie(req) : cookie;
}

let known: { readonly secret: string; readonly signature: Mac } | undefined;

/** Verifies with the secret of cookie-parser. */
export function signatureOf({ secret }: SessionRequest): Mac | undefined {
  if (!secret) return undefined;
  if (known?.secret !== secret) known = { secret, signature: mac("req.secret", secret) };
  return known.signature;
}

/** The session's id in the cookie of a request, if one of the secrets verifies it. */
export function readSessionId(req: SessionRequest, name: string, signature: Mac): string | undefined {
  const unsign = (value: string | undefined): string | undefined => {
    const unsigned = unsignExpressValue(value, signature);
    return typeof unsigned === "string" ? undefined : unsigned.text || undefined;
  };
  // Some environments have a list of headers.
  const header = [req.headers.cookie ?? []].flat().join("; ");
  const [sent = ""] = readCookies(header, name);
  // The cookies of cookie-parser count too, for apps that change the header afterwards.
  return (
    unsign(percentDecode(unquoted(sent))) ??
    deprecated(req.signedCookies?.[name] || undefined) ??
    deprecated(unsign(text(req.cookies?.[name])))
  );
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}

/** cookie-parser parses values with the prefix "j:" as JSON. */
function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function deprecated(id: string | undefined): string | undefined {
  if (id !== undefined) deprecate("cookie should be available in req.headers.cookie");
  return id;
}
