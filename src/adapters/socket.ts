import type { IncomingMessage } from "node:http";
import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import { checkListener } from "../manager/destroyed-watch.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { stateOf, type Session } from "../session/session.ts";
import { layered } from "./parts/layered-session.ts";
import { requestOf } from "./parts/node-exchange.ts";
import { originCheck, type SocketOptions } from "./socket/origins.ts";

export { ForeignOriginError } from "../errors.ts";
export type { SocketOptions } from "./socket/origins.ts";

/** The methods of a socket's session beyond `session` of `hipflask`, since there is no response to save it with. */
export interface SocketSessionMethods {
  /**
   * Reads the session again, with the changes of requests and other sockets, and drops unsaved changes. Counts as activity.
   *
   * @throws SessionLostError if it ended, or belongs to another login; close the socket then. StoreError
   */
  readonly reload: () => Promise<void>;
  /**
   * Saves the changes since the last call. Counts as activity. In cookie mode it does nothing, since writes throw.
   *
   * @throws SessionLostError if the session ended, or belongs to another login; close the socket then. SessionClosedError
   * for changes that need a cookie: a first write, a login. StoreError
   */
  readonly save: () => Promise<void>;
  /**
   * Calls `listener` once when the session has ended, in this process or another, at most half a second later. Never for a
   * visitor without a session.
   *
   * @returns stops listening; call it when the socket closes
   * @throws ConfigError without a `store`, or unless the listener is a function
   */
  readonly onDestroyed: (listener: () => void) => () => void;
}

/** The session of a socket's visitor, for as long as the socket lives. */
export type SocketSession = SocketSessionMethods & Session;

/** Creates the sessions of sockets. */
export interface SocketSessions {
  /**
   * The session of the visitor who opens a socket.
   *
   * @param request of the handshake: Node's, from `ws` or Socket.IO, or a web-standard one
   * @throws ForeignOriginError; StoreError if the store fails
   */
  fromRequest(request: IncomingMessage | Request): Promise<SocketSession>;
}

/**
 * Sessions for WebSockets: `ws`, Socket.IO and other libraries that pass on the request. Reading works as usual; in a
 * store, the session can be written and read again while the socket is open. A cookie is never set, so log in over HTTP.
 *
 * @throws ConfigError for invalid options
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
  "Socket.IO; or a Request. The argument has no headers.";

function isWeb(request: IncomingMessage | Request): request is Request {
  return typeof request.headers.get === "function";
}

function watch(manager: SessionManager, session: Session, listener: () => void): () => void {
  checkListener(listener);
  const { selector, isStored } = stateOf(session);
  const isGone = selector !== undefined && !isStored;
  return isGone ? () => {} : manager.onDestroyed(session, listener);
}
