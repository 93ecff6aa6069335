import type { IncomingMessage, ServerResponse } from "node:http";
import type { Inspector } from "./handler.ts";

/** Properties that a framework on `node:http` may have set on a request. */
type Handled = IncomingMessage & { readonly originalUrl?: unknown; readonly body?: unknown };

/**
 * The inspector's page for `node:http` and frameworks built on it: Express, Koa, Connect.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { session, SessionManager } from "hipflask";
 * import { sessions } from "hipflask/express";
 * import { inspector, nodeListener } from "hipflask/inspector";
 *
 * const manager = new SessionManager({ secretKey: process.env.SECRET_KEY });
 * const inspect = inspector(manager, { authorize: () => session.role === "admin" });
 *
 * const app = express();
 * app.use(sessions(manager));
 * app.all("/admin/sessions", nodeListener(inspect));
 * app.listen(3000);
 * ```
 */
export function nodeListener(
  inspect: Inspector,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    const response = await answer(inspect, req);
    const body = Buffer.from(await response.arrayBuffer());
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.end(req.method === "HEAD" ? undefined : body);
  };
}

/** Never rejects, since Node and Express 4 would not handle it. */
async function answer(inspect: Inspector, req: Handled): Promise<Response> {
  let request: Request;
  try {
    request = requestOf(req);
  } catch {
    return new Response("Bad Request\n", { status: 400 });
  }
  try {
    return await inspect(request);
  } catch (error) {
    // oxlint-disable-next-line no-console -- reports errors of `authorize`
    console.error(error);
    return new Response("Internal Server Error\n", { status: 500 });
  }
}

/** @throws TypeError for a host, a path or a method that is invalid in a web-standard request */
function requestOf(req: Handled): Request {
  const { method = "GET", originalUrl, url = "/" } = req;
  const headers = new Headers();
  for (const [name, value = ""] of Object.entries(req.headers)) {
    // HTTP/2 includes pseudo-headers.
    if (!name.startsWith(":")) for (const line of [value].flat()) headers.append(name, line);
  }
  const host = req.headers.host ?? String(req.headers[":authority"] ?? "localhost");
  const target = `http://${host}${typeof originalUrl === "string" ? originalUrl : url}`;
  const body = method === "GET" || method === "HEAD" ? null : bodyOf(req);
  return new Request(target, { method, headers, body, duplex: "half" });
}

/** The raw body, or the result of a body parser. */
function bodyOf(req: Handled): ReadableStream | string | URLSearchParams {
  if (!req.readableEnded) return ReadableStream.from(req as AsyncIterable<Uint8Array>);
  if (typeof req.body === "string") return req.body;
  return new URLSearchParams((req.body ?? {}) as Record<string, string>);
}
