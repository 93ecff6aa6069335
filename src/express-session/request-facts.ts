import type { TLSSocket } from "node:tls";
import { mac, type Mac, unsignExpressValue } from "../accepts/mac.ts";
import type { SessionRequest } from "./session.ts";
import { percentDecode } from "../accepts/plain-json.ts";
import { readCookies } from "../http/cookie.ts";
import { deprecate } from "./deprecate.ts";

/** Whether a request came over HTTPS, as far as `proxy` allows that to be known. */
export function isSecure(req: SessionRequest, proxy: boolean | undefined): boolean {
  if ((req.socket as TLSSocket | undefined)?.encrypted) return true;
  if (proxy === false) return false;
  if (proxy !== true) return req.secure === true;
  const [protocol = ""] = [req.headers["x-forwarded-proto"] ?? ""].flat();
  return protocol.split(",", 1)[0]!.trim().toLowerCase() === "https";
}

/** The path a client asked for, wherever the middleware is mounted. */
export function pathOf(req: SessionRequest): string {
  const url = req.originalUrl || req.url || "/";
  if (url.startsWith("/")) return url.split(/[?#]/, 1)[0]!;
  try {
    return new URL(url).pathname;
  } catch {
    return "/";
  }
}

let known: { readonly secret: string; readonly signature: Mac } | undefined;

/** The signature of the secret that cookie-parser was given. */
export function signatureOf({ secret }: SessionRequest): Mac | undefined {
  if (!secret) return undefined;
  if (known?.secret !== secret) known = { secret, signature: mac("req.secret", secret) };
  return known.signature;
}

/** The session's id in the cookie of a request, if it is signed with one of our secrets. */
export function readSessionId(req: SessionRequest, name: string, signature: Mac): string | undefined {
  const unsign = (value: string | undefined): string | undefined => {
    const unsigned = unsignExpressValue(value, signature);
    return typeof unsigned === "string" ? undefined : unsigned.text || undefined;
  };
  // Some environments have a list of them.
  const header = [req.headers.cookie ?? []].flat().join("; ");
  const [sent = ""] = readCookies(header, name);
  // What cookie-parser found counts too, for those who change the header afterwards.
  return (
    unsign(percentDecode(unquoted(sent))) ??
    deprecated(req.signedCookies?.[name] || undefined) ??
    deprecated(unsign(text(req.cookies?.[name])))
  );
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}

/** cookie-parser turns values with "j:" in front into objects. */
function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function deprecated(id: string | undefined): string | undefined {
  if (id !== undefined) deprecate("cookie should be available in req.headers.cookie");
  return id;
}
