import type { Middleware } from "koa";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { Session } from "../session/session.ts";
import { HeldResponse } from "./held-response.ts";
import { requestOf, responseOf } from "./node-headers.ts";
import { ownEvents } from "./own-events.ts";

declare module "koa" {
  interface DefaultContext {
    /** This visitor's session; put there by `sessions` of `hipflask/koa`. */
    session: Session;
  }
}

/**
 * Sessions for Koa 2 and 3. Handlers use `session` from `hipflask`, or `ctx.session`.
 *
 * Saved after `next()`; a save that fails is thrown, as by a handler. When a handler throws, or writes to `ctx.res` by
 * itself, the first byte is held until the session is saved, so Koa's error pages carry the session too; if that fails,
 * `app.on("error")` hears of it and the visitor gets a plain error page.
 *
 * @throws ConfigError for options that cannot work
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
  return async (ctx, next) => {
    const { req, res } = ctx;
    const context = manager.requestContext(requestOf(req, ctx), req, ctx, res);
    if (context.opening !== undefined) await context.opening;
    ctx.session = context.session;
    // Koa drops all headers when it answers a thrown error, so that answer is saved when it is sent.
    const held = new HeldResponse(res, (error) => ctx.app.emit("error", error, ctx));
    held.context = context;
    ownEvents(context, req, res);
    await context.run(next);
    // A handler that bypasses Koa may not have begun yet.
    if (ctx.respond === false) return;
    held.context = undefined;
    await context.save(responseOf(res));
  };
}
