import type { TLSSocket } from "node:tls";
import { mac, type Mac } from "../accepts/mac.ts";
import type { SessionRequest } from "./session.ts";

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
