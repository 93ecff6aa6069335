import { checkOptions } from "../check-options.ts";
import type { Request, RequestHandler, Response } from "express";
import type { Duplex } from "node:stream";
import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { stateOf } from "../session/session.ts";
import "./express/express-request.ts";
import { errorPageOf, reportingTo, type HandlerErrorOptions } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { handshakeOf, ownEvents, requestOf } from "./parts/node-exchange.ts";
import { originCheck, type SocketOptions } from "./socket/origins.ts";
import { requestSessionLayer, type RequestSession } from "./express/request-session.ts";
import { placeKeptSession, placeOf, placeSession } from "./parts/session-place.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

export type { RequestSession, RequestSessionMethods, SessionCallback } from "./express/request-session.ts";
export type { SessionCookie } from "./express/session-cookie.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- @types/express extends requests here
  namespace Express {
    interface RequestSessions {
      hipflask: { session: RequestSession; sessionID: string | undefined };
    }
  }
}

/**
 * Sessions for Express 4 and 5. Handlers use `session` from `hipflask`, or `req.session`, which also has the methods that
 * Express code and its packages call: see {@link RequestSessionMethods}. For Socket.IO, pass it to `io.engine.use(…)`.
 *
 * The call that sends the first header – `res.send`, `res.json`, `res.redirect`, a pipe – saves the session first. Errors
 * of opening are passed to `next(error)`. If a save fails, the response is replaced by a plain error page, since the
 * handler has already ended, and `onError` is called with the error.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import express from "express";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/express";
 *
 * const app = express();
 * app.use(sessions({ secretKey: process.env.SECRET_KEY }));
 * app.get("/", (req, res) => {
 *   res.send(`hello, ${session.username ?? "stranger"}\n`);
 * });
 * app.listen(3000);
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  handlerOptions: HandlerErrorOptions & SocketOptions = {},
): RequestHandler {
  const manager = SessionManager.from(options);
  checkOptions("sessions", handlerOptions, { onError: "function", origins: "any" });
  const onError = reportingTo(handlerOptions.onError);
  const refuseForeign = originCheck(handlerOptions);
  const layer = requestSessionLayer(manager.config);
  const socketLayer = requestSessionLayer(manager.config, onError);
  return (req, res, next) => {
    // Replies of Fastify have their request; Node's are in `raw`.
    const isFastify = (res as { request?: unknown } | undefined)?.request === req;
    if (typeof next !== "function" || req.headers === undefined || isFastify) {
      const error = wrongFramework("hipflask/express", "app.use(sessions({ … }))", req, res, next);
      // Fastify expects a call of `done`.
      if (typeof next !== "function") throw error;
      return next(error);
    }
    const isHandshake = isSocket(req, res);
    const fail = (error: unknown): void => {
      // A callback without a parameter for an error, as for an upgrade, would continue as if there were a session.
      if (!isHandshake || next.length > 0) return next(error);
      onError(error);
      refuseUpgrade(req.socket, error);
    };
    const handle = (context: RequestContext): void => {
      Object.defineProperty(req, "sessionID", SESSION_ID);
      if (!isHandshake) {
        placeSession(req, context, onError, layer);
        new HeldResponse(res, onError).context = context;
        ownEvents(context, req, res);
      } else {
        placeKeptSession(req, context, socketLayer);
        (isPolling(res) ? res : req.socket).once("close", () => context.end());
      }
      context.run(next);
    };
    let context: RequestContext;
    try {
      const opened = manager.openedContext(req);
      // Also behind middleware that has lost the context.
      if (opened !== undefined) return opened.run(next);
      const request = isHandshake ? handshakeOf(req) : requestOf(req);
      if (isHandshake) refuseForeign(request.headers, req.url);
      context = manager.requestContext(request, req, res);
    } catch (error) {
      fail(error);
      return;
    }
    if (context.opening === undefined) handle(context);
    else context.opening.then(() => handle(context), fail);
  };
}

/** Shared by all requests. */
const SESSION_ID: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get(this: object) {
    return stateOf(placeOf(this).context.session).selector;
  },
  set() {
    throw new TypeError("req.sessionID cannot be set: session ids are random.");
  },
};

/**
 * Detects the handshake of a socket, which has no response to save a session with: Engine.IO (under Socket.IO) marks its
 * requests, and the upgrade of a plain WebSocket has no response.
 */
function isSocket(req: Request & { _query?: { transport?: unknown } }, res: Partial<Response>): boolean {
  return req._query?.transport !== undefined || res.writeHead === undefined;
}

/** Engine.IO passes an object without events for an upgrade, and the response for a poll. */
function isPolling(res: Partial<Response>): boolean {
  return typeof res.once === "function";
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, text } = errorPageOf(error);
  socket.end(`HTTP/1.1 ${status} ${text.trim()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
