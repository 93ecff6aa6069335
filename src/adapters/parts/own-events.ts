import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { contextOf, type RequestContext } from "../../request/context.ts";

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
