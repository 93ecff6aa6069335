import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestContext } from "../request/context.ts";

type Emit = EventEmitter["emit"];

/**
 * Lets listeners on a request and its response run in the request's own context, since Node emits most events of a
 * socket in none: a body parser that listens, and whatever it calls, has the session. Keeps the context usable until the
 * response is complete.
 */
export function ownEvents(context: RequestContext, req: IncomingMessage, res: ServerResponse): void {
  // What stands for a response elsewhere may tell of no end.
  if (typeof res.emit !== "function" || typeof req.emit !== "function") return;
  context.retain();
  req.emit = emitIn.bind(req, context, req.emit as Emit);
  res.emit = emitAnswer.bind(res, context, res.emit as Emit, { isComplete: false });
}

function emitIn(this: EventEmitter, context: RequestContext, emit: Emit, ...event: Parameters<Emit>): boolean {
  // Most events of most requests have no listener; an error without one throws.
  const isPlain = emit === EventEmitter.prototype.emit && event[0] !== "error";
  if (isPlain && this.listenerCount(event[0]) === 0) return false;
  return context.runOwn(() => emit.apply(this, event));
}

function emitAnswer(
  this: EventEmitter,
  context: RequestContext,
  emit: Emit,
  progress: { isComplete: boolean },
  ...event: Parameters<Emit>
): boolean {
  try {
    return emitIn.call(this, context, emit, ...event);
  } finally {
    // "finish" says that all was handed over, "close" that nothing will be.
    if (!progress.isComplete && (event[0] === "finish" || event[0] === "close")) {
      progress.isComplete = true;
      context.release();
    }
  }
}
