import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { errorResponseOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

const USE = "sessions({ … })((request) => new Response(…))";

/** Handles a web-standard `Request`; further arguments (an environment, a server) are passed on. */
export type FetchHandler<Rest extends unknown[] = []> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * Sessions for handlers that take a `Request` and return a `Response`: Bun, Deno, workers, route handlers.
 *
 * Saves after the handler has returned and before the response is returned. If the handler throws, the response is a 500
 * page, and the session is saved as well (Flask, "Handling Application Errors").
 *
 * @throws ConfigError for invalid options
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
      // Duck-typed, since some runtimes have their own Request. An event of h3 has headers and a URL as well.
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
      // Flask creates its error page inside the context, so changes made before the error are saved with it.
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
