import { checkOptions } from "../check-options.ts";
import type { Request, RequestHandler, Response } from "express";
import type { Duplex } from "node:stream";
import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import "./express/express-request.ts";
import { errorPageOf, reportingTo, type HandlerErrorOptions } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { ownEvents } from "./parts/own-events.ts";
import { handshakeOf, requestOf } from "./parts/node-headers.ts";
import { originCheck, type SocketOptions } from "./socket/origins.ts";
import { RequestSessionSlot, type RequestSession } from "./express/request-session.ts";
import { settleDeletion } from "./parts/session-place.ts";
import { isFastifyHook, wrongFramework } from "./parts/wrong-framework.ts";

export type { RequestSession, RequestSessionMethods, SessionCallback } from "./express/request-session.ts";
export type { SessionCookie } from "./express/session-cookie.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where @types/express lets requests be extended
  namespace Express {
    interface RequestSessions {
      hipflask: { session: RequestSession; sessionID: string | undefined };
    }
  }
}

/**
 * Sessions for Express 4 and 5. Handlers use `session` from `hipflask`, or `req.session`, which has besides what Express
 * code and its packages call: see {@link RequestSessionMethods}. For Socket.IO it goes into `io.engine.use(…)`.
 *
 * Whatever sends the first header – `res.send`, `res.json`, `res.redirect`, a pipe – saves the session first. What
 * opening throws goes to `next(error)`. A save that fails replaces the answer by a plain error page, since Express has
 * already left the handler by then, and is told to `onError`.
 *
 * @throws ConfigError for options that cannot work
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
  return (req, res, next) => {
    if (typeof next !== "function" || req.headers === undefined || isFastifyHook(req, res)) {
      const error = wrongFramework("hipflask/express", "app.use(sessions({ … }))", req, res, next);
      // Fastify waits for a call.
      if (typeof next !== "function") throw error;
      return next(error);
    }
    const isHandshake = isSocket(req, res);
    const fail = (error: unknown): void => {
      // A callback that takes no error, as of a plain upgrade, would go on as if there were a session.
      if (!isHandshake || next.length > 0) return next(error);
      onError(error);
      refuseUpgrade(req.socket, error);
    };
    const handle = (context: RequestContext): void => {
      const slot = new RequestSessionSlot(context, manager.config, isHandshake ? onError : undefined);
      (req as Partial<Slotted>)[SLOT] = slot;
      Object.defineProperty(req, "session", SESSION);
      Object.defineProperty(req, "sessionID", SESSION_ID);
      if (!isHandshake) {
        context.beforeSave(() => {
          if ((req as Partial<Slotted>)[SLOT] === slot) settleDeletion(req, slot, context.session, SESSION);
        });
        new HeldResponse(res, onError).context = context;
        ownEvents(context, req, res);
      } else (isPolling(res) ? res : req.socket).once("close", () => context.end());
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

const SLOT = Symbol("hipflask.session");
type Slotted = { [SLOT]: RequestSessionSlot };

/** Shared by all requests, and made where it is asked for: most requests do not look at their session. */
const SESSION: PropertyDescriptor & ThisType<Slotted> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[SLOT].session;
  },
  set(value: object | null | undefined) {
    this[SLOT].session = value;
  },
};
const SESSION_ID: PropertyDescriptor & ThisType<Slotted> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[SLOT].id;
  },
  set() {
    throw new TypeError("req.sessionID cannot be set: the names of sessions are random.");
  },
};

/**
 * Tells the handshake of a socket, which has no answer that a session could be saved with: Engine.IO (under Socket.IO)
 * marks each of its requests, and the upgrade of a plain WebSocket comes without any response.
 */
function isSocket(req: Request & { _query?: { transport?: unknown } }, res: Partial<Response>): boolean {
  return req._query?.transport !== undefined || res.writeHead === undefined;
}

/** What Engine.IO hands out for an upgrade has no events; what it hands out for a poll is the response. */
function isPolling(res: Partial<Response>): boolean {
  return typeof res.once === "function";
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, text } = errorPageOf(error);
  socket.end(`HTTP/1.1 ${status} ${text.trim()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
