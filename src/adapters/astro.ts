import { setImmediate } from "node:timers/promises";
import { HipflaskError } from "../errors.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { adviseOutside, type RequestContext } from "../request/context.ts";
import type { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { managerOfBuiltApp } from "./parts/built-app.ts";
import { errorResponseOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { placeSession, type SessionLocals } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Astro extends its types here
  namespace App {
    interface Locals extends SessionLocals {}
  }
}

/** The smallest part of Astro's `APIContext` that is used; Astro itself is not imported. */
export interface AstroContext {
  readonly request: Request;
  readonly isPrerendered: boolean;
  readonly locals: object;
}

/** Assignable to Astro's `MiddlewareHandler`. */
export type AstroMiddleware = (context: AstroContext, next: () => Promise<Response>) => Promise<Response>;

/**
 * Sessions for Astro 5 to 7, as the `onRequest` of `src/middleware.ts` or a part of its `sequence`. Pages, components,
 * endpoints and actions use `session` from `hipflask`, or `Astro.locals.session`.
 *
 * Saves before the first byte of a page is sent, after its components have started: changes that a component makes before
 * it awaits anything outside the app are saved. Components rendered later can read the session but no longer change it.
 * After an error, the session is saved with the page `500.astro`. A prerendered page has no session.
 *
 * @throws ConfigError for invalid options; a missing `secretKey` is an error at the first request, since
 *   `astro build` loads this too
 * @example
 * ```ts no-check
 * // src/middleware.ts
 * import { getSecret } from "astro:env/server";
 * import { sessions } from "hipflask/astro";
 *
 * export const onRequest = sessions({ secretKey: getSecret("SECRET_KEY") });
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions?: HandlerErrorOptions,
): AstroMiddleware {
  const { manager, assertKey } = managerOfBuiltApp(options);
  const onError = onErrorOf(handlerOptions);
  /** By the request and the locals, since Astro calls this again for a rewrite, and for an error page. */
  const made = new WeakMap<object, RequestContext>();
  /** The headers saved for a response that Astro replaces by its error page. */
  const savedBefore = new WeakMap<RequestContext, Headers>();

  const answer = (error: unknown): Response => {
    if (!(error instanceof HipflaskError) || error.status === undefined) throw error;
    onError(error);
    return errorResponseOf(error);
  };

  return async (astro, next, ...rest: unknown[]) => {
    if (!(astro?.request instanceof Request) || typeof next !== "function" || astro.locals === undefined)
      throw wrongFramework(
        "hipflask/astro",
        "export const onRequest = sessions({ … })",
        astro,
        next,
        ...rest,
      );
    const { request, locals } = astro;
    if (astro.isPrerendered) {
      adviseOutside(OUTSIDE);
      return next();
    }
    assertKey();
    const rendered = made.get(locals);
    if (rendered?.isCurrent === true) {
      // A rewrite: the same context with another request.
      rendered.attachTo(request);
      made.set(request, rendered);
      return next();
    }
    const replaced = made.get(request);
    if (replaced !== undefined) return errorPage(replaced, astro, next);
    const opened = manager.openedContext(request);
    if (opened !== undefined) return opened.run(next);
    let context: RequestContext;
    try {
      context = manager.requestContext(request, request, locals);
      if (context.opening !== undefined) await context.opening;
    } catch (error) {
      return answer(error);
    }
    made.set(request, context).set(locals, context);
    placeSession(locals, context);
    let response: Response;
    try {
      response = responseOf(await context.run(next), "hipflask/astro");
      if (isPage(response)) {
        // Components start with the page, in microtasks; this waits for those that await nothing else.
        await setImmediate();
        context.beginAnswer();
      }
    } catch (thrown) {
      try {
        const { headers } = await saveInto(new Response(null, { status: 500 }), context);
        savedBefore.set(context, headers);
      } catch (error) {
        return answer(error);
      }
      throw thrown;
    }
    try {
      return whole(await saveInto(response, context), context);
    } catch (error) {
      context.endAnswer();
      return answer(error);
    }
  };

  /** Astro renders `404.astro` or `500.astro` after the session is saved: it can still be read there. */
  async function errorPage(context: RequestContext, { locals }: AstroContext, next: () => Promise<Response>) {
    context.attachTo(locals);
    made.set(locals, context);
    placeSession(locals, context);
    context.beginAnswer();
    const response = responseOf(await context.run(next), "hipflask/astro");
    const headers = new Headers(response.headers);
    // The page may be the first to access the session, after the save has decided on the headers.
    varyOnCookie(headers);
    for (const [name, value] of savedBefore.get(context) ?? []) {
      if (name === "set-cookie") headers.append(name, value);
      else if (name !== "vary") headers.set(name, value);
    }
    const { status, statusText, body } = response;
    return whole(new Response(body, { status, statusText, headers }), context);
  }
}

const isPage = ({ headers, body }: Response): boolean =>
  body !== null && headers.get("Content-Type")?.startsWith("text/html") === true;

/** The same response, which notifies the context when its body ends: components use `session` until then. */
function whole(response: Response, context: RequestContext): Response {
  const { body, status, statusText, headers } = response;
  if (!isPage(response) || body === null) {
    context.endAnswer();
    return response;
  }
  const reader = body.getReader();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      context.endAnswer();
    },
    async cancel(reason) {
      context.endAnswer();
      await reader.cancel(reason);
    },
  });
  return new Response(stream, { status, statusText, headers });
}

const OUTSIDE =
  "Astro prerenders this page at build time, without a visitor: write `export const prerender = false` " +
  'in it, or `output: "server"` in astro.config.mjs.';
