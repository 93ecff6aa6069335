import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { errorResponseOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

const USE = "sessions({ … })((request) => new Response(…))";

/** Answers a web `Request`; further arguments (an environment, a server) are handed through. */
export type FetchHandler<Rest extends unknown[] = []> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * Sessions for anything that turns a `Request` into a `Response`: Bun, Deno, workers, route handlers.
 *
 * The session is saved when the handler has returned and before the response is handed on. A handler that throws is
 * answered with a 500 page, in which the session is saved as well (Flask, "Handling Application Errors").
 *
 * @throws ConfigError for options that cannot work
 * @example
 * ```ts
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 *
 * export default {
 *   fetch: sessions({ secretKey: process.env.SECRET_KEY })(() => {
 *     session.visits = (session.visits ?? 0) + 1;
 *     return new Response(`visit ${session.visits}\n`);
 *   }),
 * };
 * ```
 */
export function sessions(options: SessionOptions | SessionManager, handlerOptions?: HandlerErrorOptions) {
  const manager = SessionManager.from(options);
  const onError = onErrorOf(handlerOptions);
  const errorPage = (error: unknown): Response => {
    onError(error);
    return errorResponseOf(error);
  };
  return <Rest extends unknown[]>(handler: FetchHandler<Rest>, ...others: unknown[]) => {
    if (typeof handler !== "function") throw wrongFramework("hipflask/fetch", USE, handler, ...others);
    return async (request: Request, ...rest: Rest): Promise<Response> => {
      // By what it has: some runtimes have a Request of their own. An event of h3 has headers as well, and a URL.
      if (typeof request?.headers?.get !== "function" || typeof request.url !== "string")
        throw wrongFramework("hipflask/fetch", USE, request, ...rest);
      let context: RequestContext;
      try {
        const opened = manager.openedContext(request);
        // The outer one answers what is thrown.
        if (opened !== undefined) return opened.run(() => handler(request, ...rest));
        context = manager.requestContext(request, request);
        if (context.opening !== undefined) await context.opening;
      } catch (error) {
        return errorPage(error);
      }
      // Flask makes its error page inside the context, so that what the handler wrote before it failed is saved with it.
      const response = await context.run(async () => {
        try {
          return responseOf(await handler(request, ...rest), "hipflask/fetch");
        } catch (error) {
          return errorPage(error);
        }
      });
      try {
        return await saveInto(response, context);
      } catch (error) {
        return errorPage(error);
      }
    };
  };
}
