import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";

/** How a response that waits for its save behaves as Node's own: the errors it throws, what it says of itself, its "drain". */

/** Enough of a request for a response that is never sent. */
const NO_REQUEST = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage;

/** Its calls throw Node's own errors. `node:http` is not imported: on Node 24 that takes as long as all the rest of this package. */
function discardedResponse(): ServerResponse {
  const { ServerResponse } = process.getBuiltinModule("node:http");
  return new ServerResponse(NO_REQUEST);
}

/** What Node refuses in the text behind a status (RFC 9112 §4). */
// oxlint-disable-next-line no-control-regex -- control characters are what is meant
const BAD_REASON = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Refuses what Node would refuse, at the call: a call that waits for a save is made later, when its caller is gone.
 *
 * @param isHeadSaid an earlier call has decided on the status, so that what the response says of it now means nothing
 * @throws Node's own error, from a response that is thrown away
 */
export function assertArguments(
  res: ServerResponse,
  method: "writeHead" | "write" | "end" | "flushHeaders" | "answer" | "flush",
  [first, second, third]: unknown[],
  isHeadSaid: boolean,
): void {
  // The stand-in for the response of a WebSocket handshake has no head: engine.io calls `writeHead()` without a status.
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

/** There a status has no text (RFC 9113 §8.3.2), and reading it makes Node warn. */
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

/** While it is true, the response says that its headers were sent. */
const IS_SEALED = Symbol("hipflask.sealed");
type Sealable = ServerResponse & { [IS_SEALED]?: boolean };

/** What a method does instead, in the words of Node's own error. */
const SEALED = [
  ["setHeader", refusing("set")],
  ["setHeaders", refusing("set")],
  ["appendHeader", refusing("append")],
  ["removeHeader", refusing("remove")],
] as const;

/** One for all responses, so that they keep one shape. */
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get(this: Sealable): boolean {
    return (
      this[IS_SEALED] === true || Reflect.get(Object.getPrototypeOf(this) as object, "headersSent", this)
    );
  },
};

/**
 * Makes a response that waits for its save look as if its head had left already: frameworks then see that it was
 * answered, and a late header throws as in Node, instead of spoiling the answer in the queue.
 *
 * Nothing that is put on the response is deleted again: an object that loses properties is slow from then on, and every
 * request with a store comes here.
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

/** Node's own error for what is too late. */
export function headersSent(verb: string): Error {
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
  return Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}

type Listener = Parameters<ServerResponse["on"]>[1];

const plain = EventEmitter.prototype;
/** The methods that a layer in front may replace to have listeners elsewhere. */
const DOORS = ["on", "once", "addListener"] as const;

/**
 * Remembers who listens for "drain" where a layer in front, as `compression()`, hands these listeners to a stream of its
 * own, which knows nothing of a wait that is ours. Elsewhere they are the listeners of the response.
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

/** Calls them all once, wherever they are. Only for a response that is not full, as for Node's own "drain". */
export function emitDrain(res: ServerResponse, redirected: ReadonlySet<Listener> = new Set()): void {
  const elsewhere = [...redirected];
  const here = new Set<unknown>(res.rawListeners?.("drain"));
  // Of HTTP/2 the stream, which tells its response.
  plain.emit.call(isHttp2(res) ? (res as unknown as { stream: EventEmitter }).stream : res, "drain");
  for (const listener of elsewhere) if (!here.has(listener)) Reflect.apply(listener, res, []);
}

const IS_STALLED = Symbol("hipflask.stalled");
type Stallable = ServerResponse & { [IS_STALLED]?: boolean };

/** One for all responses, so that they keep one shape. */
const NEED_DRAIN: PropertyDescriptor = {
  configurable: true,
  get(this: Stallable): boolean {
    const isFull = (): boolean =>
      Reflect.get(Object.getPrototypeOf(this) as object, "writableNeedDrain", this) === true;
    return this[IS_STALLED] === true || isFull();
  },
};

/** Lets a response say so to writers who ask before they write. */
export function setStalled(res: ServerResponse, isStalled: boolean): void {
  const stallable = res as Stallable;
  if (stallable[IS_STALLED] === undefined) Object.defineProperty(res, "writableNeedDrain", NEED_DRAIN);
  stallable[IS_STALLED] = isStalled;
}
