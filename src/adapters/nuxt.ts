import type { IncomingMessage, ServerResponse } from "node:http";
import { ConfigError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { contextOf, currentContext, hasSession, type RequestContext } from "../request/context.ts";
import type { Session } from "../session/session.ts";
import { onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { requestOf } from "./parts/node-exchange.ts";
import { placeSession } from "./parts/session-place.ts";

declare module "h3" {
  interface H3EventContext {
    /**
     * This visitor's session; set by `sessions` of `hipflask/nuxt`. Deleting it or setting it to null ends the
     * session. Setting it to an object replaces the data of a session without an owner; anything else throws a TypeError.
     */
    session: Session;
  }
}

/** The smallest part of an event of h3 v1 that is used. */
export interface NuxtEvent {
  readonly node: { readonly req: IncomingMessage; readonly res: ServerResponse };
  readonly context: { session?: Session };
}

/** The smallest part of the app of Nitro 2 that is used. */
export interface NuxtApp {
  readonly h3App: { handler: (event: NuxtEvent) => Promise<unknown> };
}

/**
 * Sessions for Nuxt 3 and 4, and for everything built on Nitro 2 and h3 v1: a plugin for `server/plugins`. Routes, API
 * handlers and the server code of pages use `session` from `hipflask`, or `event.context.session`.
 *
 * The call that sends the first header saves the session first, also for error pages. If a save fails, the visitor gets a
 * plain page, and `onError` is called with the error. A page's requests to its own app while it is rendered share its
 * session, if they forward the visitor's cookies (`useFetch`, `useRequestFetch`, `event.$fetch`).
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * // server/plugins/session.ts
 * import { sessions } from "hipflask/nuxt";
 *
 * export default sessions({ secretKey: process.env.SECRET_KEY });
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions?: HandlerErrorOptions,
): (nitroApp: NuxtApp) => void {
  const manager = SessionManager.from(options);
  const onError = onErrorOf(handlerOptions);
  const cookies = new WeakMap<RequestContext, string | null>();

  /** A page and its requests to its own app while it is rendered share one session: saved separately, one would undo the other. */
  const contextOfPage = (req: IncomingMessage, cookie: string | null): RequestContext | undefined => {
    if (!hasSession()) return undefined;
    const context = currentContext();
    if (cookies.get(context) !== cookie) return undefined;
    // Without cookies, only the request that Nitro passes on tells whether a fetch is made for the page's visitor.
    const { __unenv__: fetchedFrom } = req as { __unenv__?: object };
    const isVisitors = cookie !== null || (fetchedFrom !== undefined && contextOf(fetchedFrom) === context);
    return isVisitors ? context : undefined;
  };

  return ({ h3App }) => {
    if (h3App === undefined) throw new ConfigError(WRONG_PLACE);
    const { handler } = h3App;
    const handle = async (event: NuxtEvent): Promise<unknown> => {
      const { req, res } = event.node;
      const request = requestOf(req);
      const cookie = request.headers.get("Cookie");
      const page = contextOfPage(req, cookie);
      if (page !== undefined) {
        page.attachTo(event, event.context, req, res);
        placeSession(event.context, page);
        return handler(event);
      }
      const held = new HeldResponse(res, onError);
      let context: RequestContext;
      try {
        const opened = manager.openedContext(event);
        if (opened !== undefined) return opened.run(() => handler(event));
        context = manager.requestContext(request, event, event.context, req, res);
        if (context.opening !== undefined) await context.opening;
      } catch (error) {
        onError(error);
        return held.fail(error);
      }
      cookies.set(context, cookie);
      held.context = context;
      placeSession(event.context, context);
      return context.run(() => handler(event));
    };
    h3App.handler = Object.assign(handle, handler);
  };
}

const WRONG_PLACE =
  "`sessions` of hipflask/nuxt is a plugin of Nitro 2: export it from server/plugins/session.ts, not from server/middleware.";
