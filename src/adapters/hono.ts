import { hash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { HipflaskError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import { checkCount } from "../check-options.ts";
import type { SessionOptions } from "../manager/options.ts";
import { observed, type ResponseHeaders } from "../http/response-headers.ts";
import type { Session } from "../session/session.ts";
import { errorPageOf, errorResponseOf } from "./parts/error-page.ts";
import { assertInnerSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** This visitor's session; set by `sessions` of `hipflask/hono`. */
    session: Session;
  }
}

/**
 * Sessions for Hono. Handlers use `session` from `hipflask`, or `c.var.session`.
 *
 * Saves after `next()`, when Hono has turned thrown errors into responses, so the session is also saved with error pages.
 * `app.onError` gets the error of a failed save.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/hono";
 *
 * const app = new Hono();
 * app.use(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.get("/", (c) => c.text(`hello, ${session.username ?? "stranger"}\n`));
 * export default app;
 * ```
 */
export function sessions(options: SessionOptions | SessionManager): MiddlewareHandler {
  const manager = SessionManager.from(options);
  checkCount("`sessions` of hipflask/hono", arguments, 1, "app.onError(…) of Hono gets the errors");
  // Nothing is written before next(): Hono may replace the response, which would lose headers set earlier.
  return async (c, next, ...rest: unknown[]) => {
    if (c?.req?.raw === undefined)
      throw wrongFramework("hipflask/hono", "app.use(sessions({ … }))", c, next, ...rest);
    try {
      const opened = manager.openedContext(c.req.raw);
      if (opened !== undefined) return await opened.run(next);
      const context = manager.requestContext(c.req.raw, c, c.req, c.req.raw);
      if (context.opening !== undefined) await context.opening;
      c.set("session", context.session);
      await context.run(next);
      const found = c.get("session");
      if (found !== context.session) assertInnerSession(found, c.req.raw, 'c.set("session", …)');
      let hasCookie = false;
      const headers = observed(responseHeaders(c), (name) => (hasCookie ||= name === "Set-Cookie"));
      await context.save({ status: c.res.status, headers });
      if (hasCookie) preventNotModified(c);
    } catch (error) {
      discardResponse(c);
      throw asHonoError(error);
    }
  };
}

/** Hono copies the headers of a response to the error page that replaces it, unless each is removed. */
function discardResponse(c: Context): void {
  if (!c.finalized) return;
  const names = [...c.res.headers.keys()];
  void c.res.body?.cancel();
  c.res = undefined;
  c.finalized = false;
  for (const name of names) c.header(name, undefined);
}

/** An outer `etag()` would turn the response into a 304 and drop its new cookie, so no tag of the client may match. */
function preventNotModified(c: Context): void {
  const known = c.req.header("If-None-Match");
  if (known === undefined) return;
  const tag = c.res.headers.get("ETag")?.replace(/^W\//, "");
  if (tag === undefined || known.includes(tag)) c.header("ETag", `"${hash("sha256", known, "base64url")}"`);
}

function responseHeaders(c: Context): ResponseHeaders {
  return {
    get: (name) => c.res.headers.get(name),
    set: (name, value) => c.header(name, value),
    append: (name, value) => c.header(name, value, { append: true }),
  };
}

/** An error to which Hono responds with the session error's status; `cause` is the error. */
function asHonoError(error: unknown): unknown {
  if (!(error instanceof HipflaskError) || error.status === undefined) return error;
  const { status, text } = errorPageOf(error);
  return new HTTPException(status as ContentfulStatusCode, {
    message: text.trim(),
    cause: error,
    res: errorResponseOf(error),
  });
}
