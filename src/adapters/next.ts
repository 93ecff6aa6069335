import { cookies, headers } from "next/headers.js";
import { HipflaskError, SessionReadOnlyError } from "../errors.ts";
import type { OriginRequest } from "../http/cross-origin.ts";
import { readSystemClockBy } from "../itsdangerous/system-clock.ts";
import type { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { adviseOutside, type RequestContext } from "../request/context.ts";
import { stateOf, type Session } from "../session/session.ts";
import { managerOfBuiltApp } from "./parts/built-app.ts";
import { errorResponseOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import {
  cookieHeaderOf,
  cookieHeaders,
  isReadOnly,
  nextResponseHeaders,
  type NextCookies,
  type NextCookieWriter,
} from "./next/cookies.ts";
import { prerenderClock } from "./next/prerender-clock.ts";
import { responseOf, saveInto } from "./parts/pending-headers.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

const USE = "export const login = withSession(async (form: FormData) => { … })";

/** The result of {@link sessions}; export it from a module of its own, usually `lib/session.ts`. */
export interface NextSessions {
  /**
   * This visitor's session, the same object for every caller during one request.
   *
   * It can be changed inside {@link withSession}. Elsewhere it is read-only, and a change throws `SessionReadOnlyError`:
   * Next sets no cookies while it renders, and has no hook after an action or a route handler.
   */
  readonly session: () => Promise<Session>;
  /**
   * Wraps a server action, a route handler or a proxy: the session is saved when it returns, and also when it throws,
   * as `redirect()` and `notFound()` do. Inside, `session` of `hipflask` works as well.
   */
  readonly withSession: <Args extends unknown[], Result>(
    handler: (...args: Args) => Result,
  ) => (...args: Args) => Promise<Awaited<Result>>;
  /**
   * A proxy that only keeps sessions alive: it renews the cookies of permanent sessions, and records activity in a store,
   * which pages cannot do.
   */
  readonly proxy: (request: Request) => Promise<Response | undefined>;
}

/**
 * Sessions for Next 15 and later, with the App Router, with and without `cacheComponents`.
 *
 * A failed save throws to Next; if its error has a status (503, 409), in a route handler or a proxy, `onError` is called
 * with the error and the visitor gets a plain page.
 *
 * @throws ConfigError for invalid options; a missing `secretKey` is an error at the first request, since
 *   `next build` loads this too
 * @example
 * ```ts no-check
 * // lib/session.ts
 * import { sessions } from "hipflask/next";
 *
 * export const { session, withSession, proxy } = sessions({ secretKey: process.env.SECRET_KEY });
 *
 * // app/actions.ts
 * export const login = withSession(async (form: FormData) => {
 *   const visitor = await session();
 *   visitor.username = String(form.get("username"));
 *   redirect("/");
 * });
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions?: HandlerErrorOptions,
): NextSessions {
  const { manager, assertKey } = managerOfBuiltApp(options);
  const onError = onErrorOf(handlerOptions);
  adviseOutside(OUTSIDE);
  readSystemClockBy(prerenderClock);
  // Both by the cookies of a request: after an action, Next renders with new ones, which need a session opened from them.
  const readings = new WeakMap<NextCookies, Promise<RequestContext>>();
  const running = new WeakMap<NextCookies, Promise<RequestContext>>();

  const answer = (error: unknown): Response => {
    if (!(error instanceof HipflaskError) || error.status === undefined) throw error;
    onError(error);
    return errorResponseOf(error);
  };

  const contextOf = (store: NextCookies): Promise<RequestContext> => {
    assertKey();
    let context = running.get(store) ?? readings.get(store);
    if (context === undefined) readings.set(store, (context = openForReading(manager, store)));
    return context;
  };

  async function session(): Promise<Session> {
    return loaded(await contextOf(await cookies()));
  }

  function withSession<Args extends unknown[], Result>(handler: (...args: Args) => Result) {
    if (typeof handler !== "function") throw wrongFramework("hipflask/next", USE, handler);
    return async (...args: Args): Promise<Awaited<Result>> => {
      const [request] = args;
      const call = () => handler(...args);
      const store = await cookies();
      // Nothing can be saved while Next renders; inside another wrapped function, that one saves.
      if (isReadOnly(store) || running.has(store)) {
        const context = await contextOf(store);
        if (request instanceof Request) context.attachTo(request);
        return await context.run(call);
      }
      assertKey();
      const opening = openForWriting(manager, store, request);
      running.set(store, opening);
      try {
        const context = await opening;
        if (!(request instanceof Request)) return await act(context, store, call);
        context.attachTo(request);
        // A proxy may return nothing. Next passes parameters only to a route handler.
        const isRoute = "params" in Object(args[1]);
        const respondTo = isRoute
          ? async () => responseOf((await call()) as Response, "hipflask/next")
          : call;
        return (await respond(context, store, respondTo)) as Awaited<Result>;
      } catch (error) {
        if (!(request instanceof Request)) throw error;
        return answer(error) as Awaited<Result>;
      } finally {
        running.delete(store);
        readings.delete(store);
      }
    };
  }

  const proxy: NextSessions["proxy"] = withSession<[Request], undefined>(() => undefined);
  return { session, withSession, proxy };
}

async function openForReading(manager: SessionManager, store: NextCookies): Promise<RequestContext> {
  const isRendering = isReadOnly(store);
  const context = await open(manager, store, true);
  stateOf(context.session).close(isRendering ? renderingError : notWrappedError);
  return context;
}

async function openForWriting(
  manager: SessionManager,
  store: NextCookies,
  request: unknown,
): Promise<RequestContext> {
  manager.refuseForeign(request instanceof Request ? request : await actionRequest());
  return open(manager, store);
}

async function open(manager: SessionManager, store: NextCookies, readOnly = false): Promise<RequestContext> {
  const sent = await headers();
  const get = (name: string) =>
    name.toLowerCase() === "cookie" ? cookieHeaderOf(sent.get("cookie") ?? "", store) : sent.get(name);
  // Next sets it if no proxy does. Each proxy may append its own; the first one is the visitor's.
  const secure = isHttps(sent.get("x-forwarded-proto"));
  const context = manager.requestContext({ headers: { get }, readOnly, secure });
  if (context.opening !== undefined) await context.opening;
  return context;
}

/** Next does not pass the method to an action. It is POST with one of these headers, which no other call without a request has. */
async function actionRequest(): Promise<OriginRequest> {
  const sent = await headers();
  const isPost = sent.get("next-action") !== null || sent.get("content-type") !== null;
  return { method: isPost ? "POST" : undefined, headers: sent };
}

function isHttps(forwarded: string | null): boolean {
  return forwarded?.split(",", 1)[0]!.trim().toLowerCase() === "https";
}

/** With `lazy`, a stored session is loaded when the app accesses it, which is here. */
async function loaded({ session }: RequestContext): Promise<Session> {
  const state = stateOf(session);
  await state.load();
  return session;
}

/** A server action: Next sends the cookies set before it ends, also with a redirect or an error. */
async function act<Result>(
  context: RequestContext,
  store: NextCookies,
  action: () => Result,
): Promise<Awaited<Result>> {
  try {
    const result: Awaited<Result> = await context.run(action);
    await context.save({ status: 200, headers: cookieHeaders(store) });
    return result;
  } catch (thrown) {
    await context.save({ status: statusOf(thrown), headers: cookieHeaders(store) });
    throw thrown;
  }
}

/** A route handler or a proxy. If it throws, Next sends its cookies only with a redirect. */
async function respond(
  context: RequestContext,
  store: NextCookies,
  handler: () => unknown,
): Promise<unknown> {
  let response: unknown;
  try {
    response = (await context.run(handler)) ?? (await import("next/server.js")).NextResponse.next();
  } catch (thrown) {
    const status = statusOf(thrown);
    if (status < 400 || status >= 500) {
      await context.save({ status, headers: cookieHeaders(store) });
      throw thrown;
    }
    response = new Response(null, { status });
  }
  return response instanceof Response ? saveIntoResponse(response, context) : response;
}

async function saveIntoResponse(response: Response, context: RequestContext): Promise<Response> {
  const { cookies } = response as { cookies?: NextCookieWriter };
  if (cookies === undefined) return saveInto(response, context);
  await context.save({ status: response.status, headers: nextResponseHeaders(response.headers, cookies) });
  return response;
}

/** The status with which Next responds to a thrown value: of `redirect()`, `notFound()`, …, or an error. */
function statusOf(thrown: unknown): number {
  const digest = String((Object(thrown) as { digest?: unknown }).digest);
  if (digest.startsWith("NEXT_REDIRECT;")) return 303;
  return Number(/^NEXT_HTTP_ERROR_FALLBACK;(4\d\d)$/.exec(digest)?.[1] ?? 500);
}

function renderingError(): SessionReadOnlyError {
  return new SessionReadOnlyError(
    "Next sets no cookies while it renders, so a server component can only read the session. Change it in a server " +
      "action, a route handler or proxy.ts, inside `withSession`.",
  );
}

function notWrappedError(): SessionReadOnlyError {
  return new SessionReadOnlyError(
    "This change would not be saved: wrap the server action, the route handler or the proxy in `withSession`, as in " +
      "`export const login = withSession(async (form: FormData) => { … })`.",
  );
}

const OUTSIDE =
  "In Next, `session` of hipflask works inside `withSession`. Everywhere else, server components included, import " +
  '`session` from the module that calls `sessions` of hipflask/next, as in `import { session } from "@/lib/session"`, and ' +
  "write `const visitor = await session()`.";
