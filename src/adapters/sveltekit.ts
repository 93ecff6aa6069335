import { currentContext, hasSession, type RequestContext } from "../request/context.ts";
import { HipflaskError } from "../errors.ts";
import type { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Session } from "../session/session.ts";
import { managerOfBuiltApp } from "./parts/built-app.ts";
import { errorResponseOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { placeSession, type SessionLocals } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";
import { parseSetCookie, type CookieOptions } from "../http/set-cookie-line.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- SvelteKit extends its types here
  namespace App {
    interface Locals extends SessionLocals {}
  }
}

/** The smallest part of SvelteKit's `RequestEvent` that is used; SvelteKit itself is not imported. */
export interface SvelteKitEvent {
  readonly request: Request;
  readonly isSubRequest: boolean;
  readonly locals: { session: Session };
  readonly cookies: { set(name: string, value: string, options: SvelteKitCookieOptions): void };
}

/** The options of SvelteKit's `cookies.set`. */
export interface SvelteKitCookieOptions extends CookieOptions {
  readonly path: string;
  readonly encode: (value: string) => string;
}

/** Assignable to SvelteKit's `Handle`. */
export type SvelteKitHandle = <Event extends SvelteKitEvent>(input: {
  event: Event;
  resolve: (event: Event) => Response | Promise<Response>;
}) => Promise<Response>;

/**
 * Sessions for SvelteKit 2, as the `handle` of `src/hooks.server.ts` or a part of its `sequence`. Loads, actions and
 * endpoints use `session` from `hipflask`, or `event.locals.session`.
 *
 * Saves after `resolve()`, when SvelteKit has created the response from the returned or thrown value, including redirects
 * and error pages. It is also saved with a redirect that another hook throws. Requests by `event.fetch` to the app itself
 * share the session of their page. A failed save throws to `handleError`; if its error has a status (503, 409), `onError`
 * is called with the error and the visitor gets a plain page.
 *
 * @throws ConfigError for invalid options; a missing `secretKey` is an error at the first request, since
 *   `vite build` loads this too
 * @example
 * ```ts no-check
 * // src/hooks.server.ts
 * import { env } from "$env/dynamic/private";
 * import { sessions } from "hipflask/sveltekit";
 *
 * export const handle = sessions({ secretKey: env.SECRET_KEY });
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions?: HandlerErrorOptions,
): SvelteKitHandle {
  const { manager, assertKey } = managerOfBuiltApp(options);
  const onError = onErrorOf(handlerOptions);
  const ours = new WeakSet<RequestContext>();

  /** A page and its requests to its own app while it is rendered share one session: saved separately, one would undo the other. */
  const isPartOfPage = ({ isSubRequest, request }: SvelteKitEvent): boolean =>
    isSubRequest && !isAnonymous(request) && hasSession() && ours.has(currentContext());

  const answer = (error: unknown): Response => {
    if (!(error instanceof HipflaskError) || error.status === undefined) throw error;
    onError(error);
    return errorResponseOf(error);
  };

  return async (input, ...rest: unknown[]) => {
    const { event, resolve } = input;
    if (event === undefined || resolve === undefined)
      throw wrongFramework("hipflask/sveltekit", "export const handle = sessions({ … })", input, ...rest);
    // Requests for pages prerendered at build time have no headers.
    if (!event.request.headers.keys().next().done) assertKey();
    if (isPartOfPage(event)) {
      const context = currentContext();
      context.attachTo(event, event.request);
      placeSession(event.locals, context);
      return resolve(event);
    }
    const opened = manager.openedContext(event);
    if (opened !== undefined) return opened.run(() => resolve(event));
    let context: RequestContext;
    try {
      context = manager.requestContext(event.request, event, event.request);
      if (context.opening !== undefined) await context.opening;
    } catch (error) {
      return answer(error);
    }
    ours.add(context);
    placeSession(event.locals, context);
    let response: Response;
    try {
      response = responseOf(await context.run(async () => resolve(event)), "hipflask/sveltekit");
    } catch (thrown) {
      try {
        await context.save({ status: statusOf(thrown), headers: cookiesOf(event) });
      } catch (error) {
        return answer(error);
      }
      throw thrown;
    }
    try {
      if (!event.isSubRequest || !isAnonymous(event.request)) return await saveInto(response, context);
      await context.save({ status: response.status, headers: IGNORED });
      return response;
    } catch (error) {
      return answer(error);
    }
  };
}

/** Such a fetch neither sends nor accepts cookies; SvelteKit would send them to the page's own visitor. */
const isAnonymous = ({ credentials }: Request): boolean => credentials === "omit";
const IGNORED: ResponseHeaders = { get: () => null, set: () => {}, append: () => {} };

/** SvelteKit's `redirect` and `error` throw objects with a status; other errors become a 500. */
function statusOf(thrown: unknown): number {
  const { status } = Object(thrown) as { status?: unknown };
  return typeof status === "number" ? status : 500;
}

/** The response to an error of a hook does not exist yet, but will have the event's cookies. */
function cookiesOf({ cookies }: SvelteKitEvent): ResponseHeaders {
  return {
    get: () => null,
    set: () => {},
    append(header, line) {
      if (header !== "Set-Cookie") return;
      const { name, value, options } = parseSetCookie(line);
      cookies.set(name, value, { ...options, path: options.path ?? "", encode: (text) => text });
    },
  };
}
