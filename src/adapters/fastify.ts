import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import { contextOf, type RequestContext } from "../request/context.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Session } from "../session/session.ts";
import { errorPageOf, onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { ownEvents, requestOf, type Connection } from "./parts/node-exchange.ts";
import { placeSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

const HELD = Symbol("hipflask.held");

declare module "fastify" {
  interface FastifyRequest {
    /**
     * This visitor's session; set by `sessions` of `hipflask/fastify`. Deleting it or setting it to null ends the
     * session. Setting it to an object replaces the data of a session without an owner; anything else throws a TypeError.
     */
    get session(): Session;
    set session(data: Session | Record<string, unknown> | null);
    [HELD]?: HeldResponse;
  }
}

/**
 * Sessions for Fastify 5, as a plugin for `register`. Handlers use `session` from `hipflask`, or `request.session`.
 *
 * Saves in `onSend`, after Fastify has turned thrown errors into replies, so the session is also saved with error pages.
 * The error handler gets the error of a failed save. A response through `reply.raw` is held until the session is saved; if
 * that fails, `onError` is called with the error and the visitor gets a plain error page.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import fastify from "fastify";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/fastify";
 *
 * const app = fastify();
 * app.register(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.get("/", () => `hello, ${session.username ?? "stranger"}\n`);
 * await app.listen({ port: 3000 });
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions?: HandlerErrorOptions,
): FastifyPluginCallback {
  const manager = SessionManager.from(options);
  const onError = onErrorOf(handlerOptions);
  const plugin: FastifyPluginCallback = (app, settings, registered) => {
    if (typeof app.decorateRequest !== "function")
      throw wrongFramework("hipflask/fastify", "app.register(sessions({ … }))", app, settings, registered);
    if (app.hasRequestDecorator("session")) return registered(new ConfigError(TAKEN));
    app.decorateRequest("session", undefined as never);
    app.decorateRequest(HELD);

    app.addHook("onRequest", (request, reply, next) => {
      const handle = (context: RequestContext): void => {
        placeSession(request, context, onError);
        request[HELD] = new HeldResponse(reply.raw, onError);
        request[HELD].context = context;
        ownEvents(context, request.raw, reply.raw);
        context.run(next);
      };
      const fail = (error: Error): void => {
        if (error instanceof StoreError) reply.headers(error.headers);
        next(error);
      };
      const context = manager.requestContext(
        requestOf(request.raw, connectionOf(request)),
        request.raw,
        request,
        reply,
        reply.raw,
      );
      if (context.opening === undefined) handle(context);
      else context.opening.then(() => handle(context), fail);
    });

    app.addHook("preValidation", restore);
    app.addHook("preHandler", restore);

    app.addHook("onSend", async (request, reply, payload) => {
      const held = request[HELD];
      if (held?.context === undefined) return payload;
      // The page for a failed save passes through here as well.
      held.context = undefined;
      const context = contextOf(request)!;
      const body = payload instanceof Response ? unpack(payload, reply) : payload;
      try {
        context.checkAnswer();
        await context.save({ status: reply.statusCode, headers: headersOf(reply) });
      } catch (error) {
        for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
        reply.code(errorPageOf(error).status);
        if (error instanceof StoreError) reply.headers(error.headers);
        throw error;
      }
      return body;
    });
    registered();
  };
  // Like fastify-plugin: the hooks apply to the app that registers the plugin, not only to the plugin.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "hipflask",
  });
}

const TAKEN =
  "`request.session` already exists: `sessions({ … })` of hipflask/fastify is registered twice, or another plugin for sessions is " +
  "(@fastify/session, @fastify/secure-session). Register one of them.";

/** By `trustProxy`, if that is set. */
function connectionOf(request: FastifyRequest): Connection {
  return {
    get secure() {
      return request.protocol === "https";
    },
    get originalUrl() {
      return request.originalUrl;
    },
  };
}

/** Fastify would override the session's headers by those of a `Response`, after all hooks. */
function unpack(response: Response, reply: FastifyReply): ReadableStream | null {
  reply.code(response.status);
  for (const [name, value] of response.headers) reply.header(name, value);
  return response.body;
}

function headersOf(reply: FastifyReply): ResponseHeaders {
  return {
    get(name) {
      const given = reply.getHeader(name);
      return given === undefined ? null : [given].flat().join(", ");
    },
    set: (name, value) => void reply.header(name, value),
    // Fastify keeps every line of this header only.
    append: (name, value) => void reply.header(name, value),
  };
}

/** For hooks after one that called back from a pool, and lost its context. */
function restore(request: FastifyRequest, _: FastifyReply, next: () => void): void {
  const context = contextOf(request);
  if (context === undefined) next();
  else context.run(next);
}
