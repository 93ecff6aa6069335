import { Cookie } from "./cookie.ts";
import type { Config } from "./options.ts";
import { isSecure } from "./request-facts.ts";
import { Session, type SessionRequest } from "./session.ts";

/** Puts an empty session with a new id on a request. */
export function generate(req: SessionRequest, config: Config): void {
  req.sessionID = config.newId(req);
  const session = new Session(req);
  const cookie = new Cookie(config.cookieOf(req));
  if (cookie.secure === "auto") cookie.secure = isSecure(req, config.proxy);
  if (cookie.sameSite === "auto") cookie.sameSite = isSecure(req, config.proxy) ? "none" : "lax";
  session.cookie = cookie;
  req.session = session;
}
