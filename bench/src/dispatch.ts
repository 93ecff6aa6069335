import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A handler of `node:http`, or of whatever framework can be called like one. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What a browser sends besides its cookies. */
export const HEADERS: readonly string[] = [
  ["Host", "shop.example.com"],
  ["Connection", "keep-alive"],
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
  ["Accept-Language", "en-US,en;q=0.5"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
].flat();

const socket = new Socket();

/** How Node's parser hands its headers over: they become an object when somebody asks for it. */
type Parsed = { _addHeaderLines(headers: readonly string[], count: number): void };

/** A response that reports when its `end` was called, wrapped or not, and keeps what was sent. */
export class Reply extends ServerResponse {
  body = "";
  isDone = false;
  onDone: (() => void) | undefined;

  override write(chunk: unknown, ...rest: never[]): boolean {
    this.body += String(chunk);
    return super.write(chunk, ...rest);
  }

  override end(chunk?: unknown, ...rest: never[]): this {
    if (chunk !== undefined && chunk !== null) this.body += String(chunk);
    super.end(chunk, ...rest);
    this.isDone = true;
    this.onDone?.();
    return this;
  }
}

/**
 * Hands a request to a handler as `node:http` would: its own classes, no socket, no parser. A promise only if the
 * handler has not answered when it returns, so that synchronous handlers are not charged for waiting.
 */
export function dispatch(handler: Handler, cookie: string): Reply | Promise<Reply> {
  const request = new IncomingMessage(socket);
  request.method = "GET";
  request.url = "/";
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  const headers = [...HEADERS, "Cookie", cookie];
  (request as unknown as Parsed)._addHeaderLines(headers, headers.length);
  const reply = new Reply(request);
  handler(request, reply);
  if (reply.isDone) return reply;
  return new Promise((resolve) => {
    reply.onDone = () => resolve(reply);
  });
}

/** What every handler does at its end. As any server it says what it sends, so that libraries do not pay for the first header. */
export function answer(response: ServerResponse, text: string): void {
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(text);
}

/** The Cookie header a browser would send after this response. */
export function cookieFrom(response: ServerResponse): string {
  const { _header: head } = response as unknown as { _header: string };
  return Array.from(head.matchAll(/^set-cookie: ([^;\r]*)/gim), (line) => line[1]).join("; ");
}
