import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { SessionRequest } from "../../interfaces/session-interface.ts";
import { contextOf, type RequestContext } from "../../request/context.ts";

/** Connects a request of `node:http` and its response with their context: what a session reads, and where events run. */

/** Whether these are a request and a response of Node, not of a framework that wraps them. */
export function isNodeExchange(req: unknown, res: unknown): boolean {
  return (
    (req as { headers?: unknown } | undefined)?.headers !== undefined &&
    typeof (res as { setHeader?: unknown } | undefined)?.setHeader === "function"
  );
}

/** Whether a request uses HTTPS, as in Express and Koa: by the connection, or by a trusted proxy. */
export interface Connection {
  readonly secure?: boolean | undefined;
  /** The original URL; routers remove their mount path from `url`. */
  readonly originalUrl?: string | undefined;
}

/**
 * Adapts a request of `node:http` to the web's `Headers.get`. Reads headers lazily.
 *
 * @param connection default: the request itself, which Express adds `secure` to
 */
export function requestOf(req: IncomingMessage, connection: Connection = req as Connection): SessionRequest {
  return new NodeRequest(req, connection, false);
}

/** The same for a request that opens a socket. */
export function handshakeOf(req: IncomingMessage): SessionRequest {
  return new NodeRequest(req, req as Connection, true);
}

class NodeRequest implements SessionRequest {
  readonly isHandshake: boolean;
  readonly #req: IncomingMessage;
  readonly #connection: Connection;
  /** Read while there is a socket. */
  readonly #isEncrypted: boolean;

  constructor(req: IncomingMessage, connection: Connection, isHandshake: boolean) {
    this.#req = req;
    this.#connection = connection;
    this.#isEncrypted = (req.socket as Partial<TLSSocket> | null)?.encrypted === true;
    this.isHandshake = isHandshake;
  }

  get method(): string | undefined {
    return this.#req.method;
  }

  get url(): string | undefined {
    // Mocks have an empty socket.
    return this.#connection.originalUrl || (this.#req as Connection).originalUrl || this.#req.url;
  }

  get secure(): boolean {
    return this.#connection.secure ?? this.#isEncrypted;
  }

  /** The request is its own headers, which saves an object. */
  get headers(): this {
    return this;
  }

  /**
   * From `headers`, like most code in Node: some environments have no `rawHeaders`, and middleware may have set a header.
   * Node joins the lines of one name, and those of Cookie with "; " (RFC 9113 §8.2.3).
   */
  get(name: string): string | null {
    const { headers } = this.#req;
    const wanted = name.toLowerCase();
    // HTTP/2 has the host in a pseudo-header (RFC 9113 §8.3.1).
    const value = headers[wanted] ?? (wanted === "host" ? headers[":authority"] : undefined);
    if (Array.isArray(value)) return value.join(wanted === "cookie" ? "; " : ", ");
    return value === undefined ? null : String(value);
  }
}

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;
const plainEmit = EventEmitter.prototype.emit as Emit;

/**
 * Runs listeners on a request and its response in the request's own context, since Node emits most events of a socket
 * outside any: body parsers and their callbacks have the session. Keeps the context usable until the response is complete.
 *
 * @param req has the context attached, as has `res`
 */
export function ownEvents(context: RequestContext, req: IncomingMessage, res: ServerResponse): void {
  // A stub response may never emit an end.
  if (typeof res.emit !== "function" || typeof req.emit !== "function") return;
  context.beginAnswer();
  install(req, emitRequest, requestEmit);
  install(res, emitResponse, responseEmit);
}

/** Shared by all requests, so that each needs only a property. */
const requestEmit: Emit = function (event, ...args) {
  return isUnheard(this, event) ? false : emitRequest(this, plainEmit, event, args);
};

const responseEmit: Emit = function (event, ...args) {
  if (!isUnheard(this, event)) return emitResponse(this, plainEmit, event, args);
  complete(this, event);
  return false;
};

/** The common case; an error without a listener throws. */
function isUnheard(emitter: EventEmitter, event: string | symbol): boolean {
  return emitter.listenerCount(event) === 0 && event !== "error";
}

/** "finish": everything was passed to the system; "close": nothing more will be. */
function complete(res: EventEmitter, event: string | symbol): void {
  if (event === "finish" || event === "close") contextOf(res)!.endAnswer();
}

function emitRequest(emitter: EventEmitter, emit: Emit, event: string | symbol, args: unknown[]): boolean {
  return contextOf(emitter)!.runOwn(() => emit.call(emitter, event, ...args));
}

function emitResponse(emitter: EventEmitter, emit: Emit, event: string | symbol, args: unknown[]): boolean {
  try {
    return emitRequest(emitter, emit, event, args);
  } finally {
    complete(emitter, event);
  }
}

function install(emitter: EventEmitter, emitIn: typeof emitRequest, shared: Emit): void {
  const given = emitter.emit as Emit;
  // Other tools may have their own, and a second `sessions` on the same request finds ours.
  if (given === plainEmit) emitter.emit = shared;
  else if (given !== shared) emitter.emit = (event, ...args) => emitIn(emitter, given, event, args);
}
