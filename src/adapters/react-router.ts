import { createContext, type MiddlewareFunction, type RouterContext } from "react-router";
import { SessionManager } from "../manager/manager.ts";
import { checkCount } from "../check-options.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { Session } from "../session/session.ts";
import { errorPageOf } from "./parts/error-page.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { assertInnerSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

export { sessionStorage } from "./react-router/storage.ts";

/**
 * The context key of this visitor's session: `context.get(sessionContext)` in loaders, actions and middleware.
 *
 * @example
 * ```ts
 * import type { LoaderFunctionArgs } from "react-router";
 * import { sessionContext } from "hipflask/react-router";
 *
 * export function loader({ context }: LoaderFunctionArgs) {
 *   return { username: context.get(sessionContext).username };
 * }
 * ```
 */
export const sessionContext: RouterContext<Session> = createContext<Session>();

/**
 * Sessions for React Router 7.9 and later, as middleware of the root route. Loaders and actions use `session` from
 * `hipflask`, or `context.get(sessionContext)`.
 *
 * Saves after `next()`, when React Router has created the response from the values or errors of loaders and actions,
 * including redirects and error pages. `handleError` and the error boundary get the error of a failed save.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import { redirect, type ActionFunctionArgs } from "react-router";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/react-router";
 *
 * // app/root.tsx
 * export const middleware = [sessions({ secretKey: process.env.SECRET_KEY })];
 *
 * // any route
 * export async function action({ request }: ActionFunctionArgs) {
 *   session.username = (await request.formData()).get("username");
 *   throw redirect("/");
 * }
 * ```
 */
export function sessions(options: SessionOptions | SessionManager): MiddlewareFunction<Response> {
  const manager = SessionManager.from(options);
  checkCount("`sessions` of hipflask/react-router", arguments, 1, "React Router handles the errors");
  return async (input, next, ...rest: unknown[]) => {
    const { request, context: provider } = input;
    if (request === undefined || typeof provider?.set !== "function")
      throw wrongFramework(
        "hipflask/react-router",
        "export const middleware = [sessions({ … })]",
        input,
        next,
        ...rest,
      );
    try {
      const opened = manager.openedContext(request);
      if (opened !== undefined) return await opened.run(next);
      const context = manager.requestContext(request, request, provider);
      if (context.opening !== undefined) await context.opening;
      provider.set(sessionContext, context.session);
      const response = responseOf(await context.run(next), "hipflask/react-router");
      const found = provider.get(sessionContext);
      if (found !== context.session) assertInnerSession(found, request, "sessionContext");
      return await saveInto(response, context);
    } catch (error) {
      throw asRouteError(error);
    }
  };
}

/** An error that `isRouteErrorResponse` recognises, so that the page has the error's status; `handleError` gets the error itself. */
function asRouteError(error: unknown): object {
  const { status, text } = errorPageOf(error);
  const response = { status, statusText: text.trim(), internal: false, data: text };
  // Not enumerable, since enumerable properties are sent to the browser.
  return Object.defineProperty(response, "error", { value: error });
}
