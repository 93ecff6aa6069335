import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { SessionRequest, SessionResponse } from "../../interfaces/session-interface.ts";
import type { ResponseHeaders } from "../../http/response-headers.ts";

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

/** Adapts a response of `node:http` to the headers that a session writes. */
export function responseOf(res: ServerResponse): SessionResponse {
  return { status: res.statusCode, headers: new NodeResponseHeaders(res) };
}

class NodeResponseHeaders implements ResponseHeaders {
  readonly #res: ServerResponse;
  /** The current methods: the session can still write to a response that looks sent. */
  readonly #setHeader: ServerResponse["setHeader"];

  constructor(res: ServerResponse) {
    this.#res = res;
    this.#setHeader = res.setHeader;
  }

  get(name: string): string | null {
    const given = this.#res.getHeader(name);
    return given === undefined ? null : [given].flat().join(", ");
  }

  set(name: string, value: string): void {
    this.#setHeader.call(this.#res, name, value);
  }

  append(name: string, value: string): void {
    const given = this.#res.getHeader(name) ?? [];
    // A list even for one: serverless-http and others expect cookies in lists.
    this.#setHeader.call(this.#res, name, [...[given].flat().map(String), value]);
  }
}
