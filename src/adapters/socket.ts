import type { IncomingMessage } from "node:http";
import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { checkListener } from "../manager/destroyed-watch.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { stateOf, type Session } from "../session/session.ts";
import { layered } from "./parts/layered-session.ts";
import { requestOf } from "./parts/node-headers.ts";
import { originCheck, type SocketOptions } from "./socket/origins.ts";

export { ForeignOriginError } from "../errors.ts";
export type { SocketOptions } from "./socket/origins.ts";

/** What the session of a socket has beyond `session` of `hipflask`, since there is no response to save it with. */
export interface SocketSessionMethods {
  /**
   * Reads the session again, as requests and other sockets left it, and drops what was not saved. Counts as activity.
   *
   * @throws SessionLostError if it ended, or moved on to another login; close the socket then. StoreError
   */
  readonly reload: () => Promise<void>;
  /**
   * Writes what changed since the last time. Counts as activity. In cookie mode there is nothing to do, for a write has
   * thrown already.
   *
   * @throws SessionLostError if the session ended, or moved on to another login; close the socket then.
   *   SessionClosedError for what needs a cookie: a first write, a login. StoreError
   */
  readonly save: () => Promise<void>;
  /**
   * Calls `listener` once when the session has ended, in this process or another; noticed within half a
   * second. Never, for a visitor who has no session.
   *
   * @returns stops listening; call it when the socket closes
   * @throws ConfigError without a `store`, or for a listener that is no function
   */
  readonly onDestroyed: (listener: () => void) => () => void;
}

/** The session of a socket's visitor, for as long as the socket lives. */
export type SocketSession = SocketSessionMethods & Session;

/** What makes sessions of handshakes. */
export interface SocketSessions {
  /**
   * The session of the visitor who opens a socket.
   *
   * @param request of the handshake: Node's, as `ws` and Socket.IO give it, or the web's
   * @throws ForeignOriginError; StoreError if the store cannot be asked
   */
  fromRequest(request: IncomingMessage | Request): Promise<SocketSession>;
}

/**
 * Sessions at the handshake of a WebSocket: `ws`, Socket.IO and whatever else hands out the request. Read as ever; in a
 * store it can be written and read again while the socket is open. A cookie is never set, so a login goes over
 * HTTP.
 *
 * @throws ConfigError for options that cannot work
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { SessionManager } from "hipflask";
 * import { sessions } from "hipflask/socket";
 * import { memoryStore } from "hipflask/stores/memory";
 * import { WebSocketServer } from "ws";
 *
 * const manager = new SessionManager({ secretKey: process.env.SECRET_KEY, store: memoryStore() });
 * const sockets = sessions(manager);
 * const server = createServer();
 * const wss = new WebSocketServer({ noServer: true });
 * server.on("upgrade", async (req, socket, head) => {
 *   const session = await sockets.fromRequest(req).catch(() => undefined);
 *   if (session?.username === undefined) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
 *   wss.handleUpgrade(req, socket, head, (ws) => {
 *     ws.on("close", session.onDestroyed(() => ws.close(4401, "logged out")));
 *     ws.send(`hello, ${session.username}`);
 *   });
 * });
 * server.listen(3000);
 * ```
 */
export function sessions(
  options: SessionOptions | SessionManager,
  socketOptions: SocketOptions = {},
): SocketSessions {
  const manager = SessionManager.from(options);
  checkNames("sessions", socketOptions, ["origins"]);
  const refuseForeign = originCheck(socketOptions);
  return {
    async fromRequest(request) {
      if ((request as Partial<Request> | undefined)?.headers === undefined) throw new ConfigError(NO_REQUEST);
      const { headers } = isWeb(request) ? request : requestOf(request);
      refuseForeign(headers, request.url);
      const context = manager.requestContext({ headers, isHandshake: true }, request);
      await context.opening;
      await stateOf(context.session).load();
      return layered(context, {
        reload: () => context.reload(),
        save: () => context.commit(),
        onDestroyed: (listener: () => void) => watch(manager, context.session, listener),
      });
    },
  };
}

const NO_REQUEST =
  "fromRequest takes the request that opens the socket: `req` of the event `upgrade`, or of `connection` of ws; `socket.request` of " +
  "Socket.IO; or a Request. What it was given has no headers.";

function isWeb(request: IncomingMessage | Request): request is Request {
  return typeof request.headers.get === "function";
}

function watch(manager: SessionManager, session: Session, listener: () => void): () => void {
  checkListener(listener);
  const { selector, isStored } = stateOf(session);
  const isNobody = selector !== undefined && !isStored;
  return isNobody ? () => {} : manager.onDestroyed(session, listener);
}
