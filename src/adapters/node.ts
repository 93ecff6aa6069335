import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestContext } from "../request/context.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";
import { onErrorOf, type HandlerErrorOptions } from "./parts/error-page.ts";
import { HeldResponse } from "./parts/held-response.ts";
import { isNodeExchange, ownEvents, requestOf } from "./parts/node-exchange.ts";
import { wrongFramework } from "./parts/wrong-framework.ts";

const USE = "createServer(sessions({ … })((req, res) => …))";

/** A handler of `node:http`. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Sessions for `node:http`, HTTP/2's compatibility API included.
 *
 * The call that sends the first header – `end`, `write`, `writeHead`, a pipe – saves the session first. If the handler
 * throws or rejects, the response is a 500 page, and the session is saved as well, as in Flask.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { session } from "hipflask";
 * import { sessions } from "hipflask/node";
 *
 * const withSession = sessions({ secretKey: process.env.SECRET_KEY });
 * export const server = createServer(
 *   withSession((req, res) => {
 *     session.visits = (session.visits ?? 0) + 1;
 *     res.end(`visit ${session.visits}\n`);
 *   }),
 * );
 * ```
 */
export function sessions(options: SessionOptions | SessionManager, handlerOptions?: HandlerErrorOptions) {
  const manager = SessionManager.from(options);
  const onError = onErrorOf(handlerOptions);
  return (handler: NodeHandler, ...rest: unknown[]) => {
    if (typeof handler !== "function") throw wrongFramework("hipflask/node", USE, handler, ...rest);
    return (req: IncomingMessage, res: ServerResponse, ...others: unknown[]): void => {
      if (!isNodeExchange(req, res)) throw wrongFramework("hipflask/node", USE, req, res, ...others);
      const held = new HeldResponse(res, onError);
      const fail = (error: unknown): void => {
        onError(error);
        held.fail(error);
      };
      const handle = (context: RequestContext): unknown => {
        held.context = context;
        ownEvents(context, req, res);
        return context.run(() => handler(req, res));
      };
      try {
        const context = manager.openedContext(req) ?? manager.requestContext(requestOf(req), req, res);
        const { opening } = context;
        const result = opening === undefined ? handle(context) : opening.then(() => handle(context));
        if (result instanceof Promise) result.catch(fail);
      } catch (error) {
        fail(error);
      }
    };
  };
}
