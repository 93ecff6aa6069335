import type { ServerResponse } from "node:http";
import type { Middleware } from "koa";
import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import { checkCount } from "../check-options.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { Session } from "../session/session.ts";
import { reportingTo } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { ownEvents, requestOf } from "./parts/node-exchange.ts";
import { responseOf } from "./parts/node-response.ts";
import { placeSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

declare module "koa" {
  interface DefaultContext {
    /**
     * This visitor's session; set by `sessions` of `hipflask/koa`. Deleting it or setting it to null ends the
     * session. Setting it to an object replaces the data of a session without an owner; anything else throws a TypeError.
     */
    get session(): Session;
    set session(data: Session | Record<string, unknown> | null);
  }
}

/**
 * Sessions for Koa 2 and 3. Handlers use `session` from `hipflask`, or `ctx.session`.
 *
 * Saves after `next()`; a failed save throws, as a handler would. If a handler throws, or writes to `ctx.res` directly, the
 * first byte is held until the session is saved, so it is also saved with Koa's error pages; if that fails,
 * `app.on("error")` gets the error and the visitor a plain error page.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import Koa from "koa";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/koa";
 *
 * const app = new Koa();
 * app.use(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.use((ctx) => {
 *   ctx.body = `hello, ${session.username ?? "stranger"}\n`;
 * });
 * app.listen(3000);
 * ```
 */
export function sessions(options: SessionOptions | SessionManager): Middleware {
  const manager = SessionManager.from(options);
  checkCount("`sessions` of hipflask/koa", arguments, 1, 'app.on("error", …) of Koa gets the errors');
  return async (ctx, next, ...rest: unknown[]) => {
    const { req, res } = ctx;
    if (req === undefined || typeof res?.setHeader !== "function")
      throw wrongFramework("hipflask/koa", "app.use(sessions({ … }))", ctx, next, ...rest);
    const opened = manager.openedContext(req);
    if (opened !== undefined) return opened.run(next);
    const context = manager.requestContext(requestOf(req, ctx), req, ctx, res);
    if (context.opening !== undefined) await context.opening;
    const onError = reportingTo((error) => ctx.app.emit("error", error, ctx));
    placeSession(ctx, context, onError);
    // Koa drops all headers when it responds to an error, so the session is saved when that response is sent.
    const held = new HeldResponse(res, onError);
    held.context = context;
    ownEvents(context, req, res);
    watchAnswer(context, res);
    await context.run(next);
    // A handler that bypasses Koa may not have started yet.
    if (ctx.respond === false) return;
    held.context = undefined;
    try {
      await context.save(responseOf(res));
    } catch (error) {
      // Headers that were sent before this middleware leave no way to answer, and Koa would leave the response open.
      if (res.headersSent && !res.writableEnded) res.destroy();
      throw error;
    }
  };
}

/** Koa responds after all middleware; a value that a callback in another request's context assigned to `ctx` is detected here. */
function watchAnswer(context: RequestContext, res: ServerResponse): void {
  const { setHeader } = res;
  res.setHeader = (name, value) => {
    context.checkAnswer();
    return setHeader.call(res, name, value);
  };
}
