import { cookies, headers } from "next/headers.js";
import type { RequestContext } from "../request/context.ts";
import { HipflaskError, SessionReadOnlyError, SessionClosedError } from "../errors.ts";
import type { OriginRequest } from "../http/cross-origin.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { stateOf, type Session } from "../session/session.ts";
import { ERROR_TYPE, errorPageOf, logError, type ErrorOptions } from "./error-page.ts";
import {
  cookieHeaderOf,
  cookieHeaders,
  isReadOnly,
  nextResponseHeaders,
  type NextCookies,
  type NextCookieWriter,
} from "./next/cookies.ts";
import { saveInto } from "./pending-headers.ts";

/** What {@link sessions} gives an app; keep it in a module of its own, `lib/session.ts` by custom. */
export interface NextSessions {
  /**
   * This visitor's session, the same object for everybody who asks during one request.
   *
   * Server components can only read it, since Next sets no cookies while it renders: a change there throws
   * `SessionReadOnlyError`. In server actions and route handlers, changes are kept by {@link save} or {@link withSession}.
   */
  readonly session: () => Promise<Session>;
  /**
   * Saves the session in a server action or a route handler; call it before `redirect()`, which throws. Nothing
   * happens if nobody asked for the session. Afterwards `session()` gives one that can be changed and saved again.
   *
   * @throws SessionReadOnlyError in server components; whatever the save fails with
   */
  readonly save: () => Promise<void>;
  /**
   * Wraps a server action, a route handler or a proxy: the session is saved when it returns, and also when it throws,
   * as `redirect()` and `notFound()` do. Inside, `session` of `hipflask` works as well.
   */
  readonly withSession: <Args extends unknown[], Result>(
    handler: (...args: Args) => Result,
  ) => (...args: Args) => Promise<Awaited<Result>>;
  /**
   * A proxy that only keeps sessions alive: it sends the cookies of permanent sessions with a new expiry, and notes
   * activity in a store, which pages cannot do.
   */
  readonly proxy: (request: Request) => Promise<Response | undefined>;
}

/**
 * Sessions for Next 15 and later, with the App Router.
 *
 * A save that fails is thrown to Next; where a route handler's or a proxy's session asks for a status (503, 409),
 * `onError` hears of it and the visitor gets a plain page.
 *
 * @throws ConfigError for options that cannot work
 * @example
 * ```ts no-check
 * // lib/session.ts
 * import { sessions } from "hipflask/next";
 *
 * export const { session, save, withSession, proxy } = sessions({ secretKey: process.env.SECRET_KEY });
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
  { onError = logError }: ErrorOptions = {},
): NextSessions {
  const manager = SessionManager.from(options);
  /** By the cookies of a request. After an action Next renders with new cookies, and so with a session opened from them. */
  const contexts = new WeakMap<NextCookies, Promise<RequestContext>>();
  const running = new WeakSet<RequestContext>();

  const contextOf = (store: NextCookies): Promise<RequestContext> => {
    let context = contexts.get(store);
    if (context === undefined) contexts.set(store, (context = open(manager, store)));
    return context;
  };

  /** What there is to save, once: whoever asks for the session after that gets one that is opened anew. */
  const take = async (store: NextCookies): Promise<RequestContext | undefined> => {
    const context = isReadOnly(store) ? undefined : await contexts.get(store);
    contexts.delete(store);
    return context;
  };

  const saveByCookies = async (store: NextCookies, status = 200): Promise<void> => {
    const context = await take(store);
    if (context === undefined) return;
    await context.save({ status, headers: cookieHeaders(store) });
    stateOf(context.session).close(alreadySavedError);
  };

  const answer = (error: unknown): Response => {
    if (!(error instanceof HipflaskError) || error.status === undefined) throw error;
    onError(error);
    const { status, text } = errorPageOf(error);
    return new Response(text, { status, headers: { "Content-Type": ERROR_TYPE } });
  };

  async function session(): Promise<Session> {
    return (await contextOf(await cookies())).session;
  }

  async function save(): Promise<void> {
    const store = await cookies();
    if (isReadOnly(store)) throw readOnlyError();
    await saveByCookies(store);
  }

  /** A server action: whatever is set by the time it ends is sent, also with a redirect or an error. */
  async function act<Result>(
    context: RequestContext,
    store: NextCookies,
    action: () => Result,
  ): Promise<Awaited<Result>> {
    try {
      const result: Awaited<Result> = await context.run(action);
      await saveByCookies(store);
      return result;
    } catch (thrown) {
      await saveByCookies(store, statusOf(thrown));
      throw thrown;
    }
  }

  /** A route handler or a proxy. Next sends the cookies of the request with a redirect, and with nothing else that is thrown. */
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
        await saveByCookies(store, status);
        throw thrown;
      }
      response = new Response(null, { status });
    }
    const last = await take(store);
    return response instanceof Response && last !== undefined ? saveIntoResponse(response, last) : response;
  }

  function withSession<Args extends unknown[], Result>(handler: (...args: Args) => Result) {
    return async (...args: Args): Promise<Awaited<Result>> => {
      const [request] = args;
      const call = () => handler(...args);
      const store = await cookies();
      const isAction = !(request instanceof Request);
      try {
        const context = await contextOf(store);
        if (!isAction) context.attachTo(request);
        // Called by another one, which will save.
        if (running.has(context)) return await call();
        if (!isReadOnly(store)) manager.refuseForeign(isAction ? await actionRequest() : request);
        running.add(context);
        return isAction
          ? await act(context, store, call)
          : ((await respond(context, store, call)) as Awaited<Result>);
      } catch (error) {
        if (isAction) throw error;
        return answer(error) as Awaited<Result>;
      }
    };
  }

  const proxy: NextSessions["proxy"] = withSession<[Request], undefined>(() => undefined);
  return { session, save, withSession, proxy };
}

async function open(manager: SessionManager, store: NextCookies): Promise<RequestContext> {
  const sent = await headers();
  const readOnly = isReadOnly(store);
  const get = (name: string) =>
    name.toLowerCase() === "cookie" ? cookieHeaderOf(sent.get("cookie") ?? "", store) : sent.get(name);
  const context = manager.requestContext({
    headers: { get },
    readOnly,
    // Next sets it itself where no proxy does. Several proxies make a list of it, the visitor's connection first.
    secure: isHttps(sent.get("x-forwarded-proto")),
  });
  if (context.opening !== undefined) await context.opening;
  if (readOnly) stateOf(context.session).close(readOnlyError);
  return context;
}

/** Next does not tell an action its method. It is POST, with one of these headers, and nothing else that is called without a request has them. */
async function actionRequest(): Promise<OriginRequest> {
  const sent = await headers();
  const isPost = sent.get("next-action") !== null || sent.get("content-type") !== null;
  return { method: isPost ? "POST" : undefined, headers: sent };
}

function isHttps(forwarded: string | null): boolean {
  return forwarded?.split(",", 1)[0]!.trim().toLowerCase() === "https";
}

async function saveIntoResponse(response: Response, context: RequestContext): Promise<Response> {
  const { cookies } = response as { cookies?: NextCookieWriter };
  if (cookies === undefined) return saveInto(response, context);
  await context.save({ status: response.status, headers: nextResponseHeaders(response.headers, cookies) });
  return response;
}

/** The status of the answer that Next makes of what was thrown: `redirect()`, `notFound()` and their like, or an error. */
function statusOf(thrown: unknown): number {
  const digest = String((Object(thrown) as { digest?: unknown }).digest);
  if (digest.startsWith("NEXT_REDIRECT;")) return 303;
  return Number(/^NEXT_HTTP_ERROR_FALLBACK;(4\d\d)$/.exec(digest)?.[1] ?? 500);
}

function readOnlyError(): SessionReadOnlyError {
  return new SessionReadOnlyError(
    "Next sets no cookies while it renders, so a server component can only read the session. Change it in a server " +
      "action or a route handler, with `withSession` or followed by `await save()`, or in proxy.ts.",
  );
}

function alreadySavedError(): SessionClosedError {
  return new SessionClosedError(
    "This session was saved; `await session()` gives one that can be changed and saved again.",
  );
}
