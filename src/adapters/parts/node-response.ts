import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResponseHeaders } from "../../http/response-headers.ts";
import type { SessionResponse } from "../../interfaces/session-interface.ts";

/**
 * A response of `node:http`: how a session writes its headers, and how one that waits for the save behaves like Node's own:
 * its errors, its properties, its "drain".
 */

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

/** A minimal request for a response that is never sent. */
const NO_REQUEST = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage;

/** Throws Node's own errors. An import of `node:http` would take longer than everything else here on Node 24. */
function discardedResponse(): ServerResponse {
  const { ServerResponse } = process.getBuiltinModule("node:http");
  return new ServerResponse(NO_REQUEST);
}

/** Characters that Node refuses in a status message (RFC 9112 §4). */
// oxlint-disable-next-line no-control-regex -- finds control characters
const BAD_REASON = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Throws Node's errors at the call, since a queued call is made later, when its caller cannot handle them.
 *
 * @param isHeadSaid an earlier call has set the status, so that the response's current one is ignored
 * @throws Node's own error, from a discarded response
 */
export function assertArguments(
  res: ServerResponse,
  method: "writeHead" | "write" | "end" | "flushHeaders" | "answer" | "flush",
  [first, second, third]: unknown[],
  isHeadSaid: boolean,
): void {
  // The stub response of a WebSocket handshake has no head: engine.io calls `writeHead()` without a status.
  if (typeof res.getHeaderNames !== "function") return;
  if (method === "writeHead") {
    const reason = typeof second === "string" ? second : undefined;
    assertHead(first, reason);
    const headers = third ?? second;
    const isOdd = Array.isArray(headers) && !Array.isArray(headers[0]) && headers.length % 2 !== 0;
    if (isOdd) discardedResponse().writeHead(first as number, headers);
    return;
  }
  if (!isHeadSaid) assertHead(res.statusCode, isHttp2(res) ? undefined : res.statusMessage);
  if (method !== "write" && method !== "end") return;
  if (method === "end" && (!first || typeof first === "function")) return;
  if (typeof first === "string") {
    if (typeof second === "string" && second !== "buffer" && !Buffer.isEncoding(second))
      refuseEncoding(second);
  } else if (!(first instanceof Uint8Array)) discardedResponse().write(first);
}

/** HTTP/2 has no status message (RFC 9113 §8.3.2), and reading it makes Node warn. */
export function isHttp2(res: ServerResponse): boolean {
  return typeof (res as { stream?: { respond?: unknown } }).stream?.respond === "function";
}

function assertHead(status: unknown, reason: string | undefined): void {
  const code = (status as number) | 0;
  const isOdd = code < 100 || code > 999 || (reason !== undefined && BAD_REASON.test(reason));
  if (isOdd) discardedResponse().writeHead(status as number, reason);
}

function refuseEncoding(encoding: string): never {
  throw Object.assign(new TypeError(`Unknown encoding: ${encoding}`), { code: "ERR_UNKNOWN_ENCODING" });
}

/** While true, the response reports that its headers were sent. */
const IS_SEALED = Symbol("hipflask.sealed");
type Sealable = ServerResponse & { [IS_SEALED]?: boolean };

/** The verb of a method in Node's own error. */
const SEALED = [
  ["setHeader", refusing("set")],
  ["setHeaders", refusing("set")],
  ["appendHeader", refusing("append")],
  ["removeHeader", refusing("remove")],
] as const;

/** Shared by all responses, so that they keep one hidden class. */
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get(this: Sealable): boolean {
    return (
      this[IS_SEALED] === true || Reflect.get(Object.getPrototypeOf(this) as object, "headersSent", this)
    );
  },
};

/**
 * Makes a response that waits for its save look as if its head was sent: frameworks see that there is a response, and a
 * late header throws as in Node, instead of changing the queued response.
 *
 * Properties set on the response are never deleted: deleting makes an object slow, and every request with a store passes
 * here.
 *
 * @returns opens the head again, with the status it had
 */
export function sealHead(res: ServerResponse): () => void {
  const { statusCode } = res;
  const statusMessage = isHttp2(res) ? undefined : res.statusMessage;
  const own = Object.getOwnPropertyDescriptor(res, "headersSent");
  const methods = SEALED.map(([name]) => res[name]);
  Object.defineProperty(res, "headersSent", HEADERS_SENT);
  (res as Sealable)[IS_SEALED] = true;
  for (const [name, refuse] of SEALED) if (res[name] !== undefined) res[name] = refuse;
  return () => {
    if (own !== undefined) Object.defineProperty(res, "headersSent", own);
    (res as Sealable)[IS_SEALED] = false;
    for (const [at, [name]] of SEALED.entries()) {
      if (methods[at] !== undefined) res[name] = methods[at] as never;
    }
    res.statusCode = statusCode;
    if (!isHttp2(res)) res.statusMessage = statusMessage!;
  };
}

function refusing(verb: string): () => never {
  return () => {
    throw headersSent(verb);
  };
}

/** Node's own error for a call that is too late. */
export function headersSent(verb: string): Error {
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
  return Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}

type Listener = Parameters<ServerResponse["on"]>[1];

const plain = EventEmitter.prototype;
/** The methods that a layer may replace to keep listeners elsewhere. */
const DOORS = ["on", "once", "addListener"] as const;

/**
 * Records the listeners of "drain" if a layer such as `compression()` passes them to a stream of its own, which does not
 * know of our queue. Otherwise they are the listeners of the response.
 */
export function redirectedListeners(res: ServerResponse): Set<Listener> | undefined {
  if (res.on === plain.on) return undefined;
  const redirected = new Set<Listener>();
  for (const door of DOORS) {
    const given = res[door];
    if (given === plain[door]) continue;
    res[door] = (event: string, listener: Listener) => {
      if (event === "drain") redirected.add(listener);
      return Reflect.apply(given, res, [event, listener]);
    };
  }
  return redirected;
}

/** Calls all of them once. Only for a response that is not full, like Node's own "drain". */
export function emitDrain(res: ServerResponse, redirected: ReadonlySet<Listener> = new Set()): void {
  const elsewhere = [...redirected];
  const here = new Set<unknown>(res.rawListeners?.("drain"));
  // For HTTP/2 on the stream, which notifies its response.
  plain.emit.call(isHttp2(res) ? (res as unknown as { stream: EventEmitter }).stream : res, "drain");
  for (const listener of elsewhere) if (!here.has(listener)) Reflect.apply(listener, res, []);
}

const IS_STALLED = Symbol("hipflask.stalled");
type Stallable = ServerResponse & { [IS_STALLED]?: boolean };

/** Shared by all responses, so that they keep one hidden class. */
const NEED_DRAIN: PropertyDescriptor = {
  configurable: true,
  get(this: Stallable): boolean {
    const isFull = (): boolean =>
      Reflect.get(Object.getPrototypeOf(this) as object, "writableNeedDrain", this) === true;
    return this[IS_STALLED] === true || isFull();
  },
};

/** Lets `writableNeedDrain` report a full queue. */
export function setStalled(res: ServerResponse, isStalled: boolean): void {
  const stallable = res as Stallable;
  if (stallable[IS_STALLED] === undefined) Object.defineProperty(res, "writableNeedDrain", NEED_DRAIN);
  stallable[IS_STALLED] = isStalled;
}
