import { toResponse, type Middleware } from "h3";
import { ConfigError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import { checkCount } from "../check-options.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { Session } from "../session/session.ts";
import { saveInto } from "./parts/pending-headers.ts";
import { placeSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

declare module "h3" {
  interface H3EventContext {
    /**
     * This visitor's session; set by `sessions` of `hipflask/h3`. Deleting it or setting it to null ends the
     * session. Setting it to an object replaces the data of a session without an owner; anything else throws a TypeError.
     */
    session: Session;
  }
}

/**
 * Sessions for h3 v2 and frameworks built on it, such as Nitro v3. Handlers use `session` from `hipflask`, or
 * `event.context.session`.
 *
 * Saves after h3 has created the response from the value or error of the handlers, so the session is also saved with error
 * pages. A failed save throws, as a handler would.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import { H3, serve } from "h3";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/h3";
 *
 * const app = new H3();
 * app.use(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.get("/", () => `hello, ${session.username ?? "stranger"}\n`);
 * serve(app, { port: 3000 });
 * ```
 */
export function sessions(options: SessionOptions | SessionManager): Middleware {
  const manager = SessionManager.from(options);
  checkCount("`sessions` of hipflask/h3", arguments, 1, "h3 handles the errors");
  return async (event, next, ...rest: unknown[]) => {
    const isH3V1 = next === undefined && "node" in event && typeof event.req?.headers?.get !== "function";
    if (isH3V1) throw new ConfigError(H3_V1);
    if (typeof next !== "function" || event.context === undefined)
      throw wrongFramework("hipflask/h3", "app.use(sessions({ … }))", event, next, ...rest);
    const opened = manager.openedContext(event);
    if (opened !== undefined) return opened.run(next);
    const context = manager.requestContext(event.req, event, event.req);
    if (context.opening !== undefined) await context.opening;
    placeSession(event.context, context);
    // h3 calls the response hook itself after this.
    const { onResponse: _, ...config } = event.app?.config ?? {};
    const handled = async (): Promise<unknown> => next();
    const response = await context.run(() => toResponse(handled(), event, config));
    return saveInto(response, context);
  };
}

const H3_V1 =
  "`sessions` of hipflask/h3 is for h3 2 and Nitro 3, but this event is from h3 1. In Nuxt 3 and 4 and in Nitro 2, export " +
  "`sessions` of hipflask/nuxt from server/plugins/session.ts instead.";
