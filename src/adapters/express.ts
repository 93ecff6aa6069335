import type { RequestHandler } from "express";
import type { RequestContext } from "../context.ts";
import { SessionManager } from "../manager.ts";
import type { SessionOptions } from "../options.ts";
import type { Session } from "../session.ts";
import "./express-request.ts";
import { logError, type ErrorOptions } from "./error-page.ts";
import { HeldResponse } from "./held-response.ts";
import { requestOf } from "./node-headers.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where @types/express lets requests be extended
  namespace Express {
    interface RequestSessions {
      hipflask: { session: Session };
    }
  }
}

/**
 * Sessions for Express 4 and 5. Handlers use `session` from `hipflask`, or `req.session`.
 *
 * Whatever sends the first header – `res.send`, `res.json`, `res.redirect`, a pipe – saves the session first. What
 * opening throws goes to `next(error)`. A save that fails replaces the answer by a plain error page, since Express has
 * already left the handler by then, and is told to `onError`.
 *
 * @throws ConfigError for options that cannot work
 * @example
 * ```ts
 * import express from "express";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/express";
 *
 * const app = express();
 * app.use(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.get("/", (req, res) => {
 *   res.send(`hello, ${session.username ?? "stranger"}\n`);
 * });
 * app.listen(3000);
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  { onError = logError }: ErrorOptions = {},
): RequestHandler {
  const manager = SessionManager.from(options);
  return (req, res, next) => {
    const handle = (context: RequestContext): void => {
      req.session = context.session as typeof req.session;
      new HeldResponse(res, onError).context = context;
      context.run(next);
    };
    let context: RequestContext;
    try {
      context = manager.requestContext(requestOf(req), req, res);
    } catch (error) {
      next(error);
      return;
    }
    if (context.opening === undefined) handle(context);
    else context.opening.then(() => handle(context), next);
  };
}
