import { RequestContext } from "./context.ts";
import { SecureCookieSessionInterface } from "./interfaces/secure-cookie.ts";
import type { SessionInterface, SessionRequest } from "./interfaces/session-interface.ts";
import type { SessionOptions } from "./options.ts";
import { resolveOptions } from "./resolve-options.ts";

/**
 * The sessions of one app: options checked once, then a context per request. Adapters take options and make one, or
 * take one that several adapters share.
 *
 * @throws ConfigError for options that cannot work
 * @example
 * ```ts
 * import { SessionManager } from "hipflask";
 * import { sessions } from "hipflask/hono";
 * export const manager = new SessionManager({ secretKey: process.env.SECRET_KEY });
 * export const middleware = sessions(manager);
 * ```
 */
export class SessionManager {
  /** Flask's `app.session_interface`. */
  readonly sessionInterface: SessionInterface;

  constructor(options: SessionOptions) {
    const config = resolveOptions(options);
    this.sessionInterface = options.sessionInterface ?? new SecureCookieSessionInterface(config);
  }

  /** The manager itself, or one made of the options: what every adapter does with its argument. */
  static from(options: SessionOptions | SessionManager): SessionManager {
    return options instanceof SessionManager ? options : new SessionManager(options);
  }

  /**
   * Opens the session of a request; see {@link RequestContext} for what comes next.
   *
   * @param keys the framework's own objects for this request, by which `getSession` finds the session
   */
  requestContext(request: SessionRequest, ...keys: object[]): RequestContext {
    return new RequestContext(this.sessionInterface, request, ...keys);
  }
}
