import { currentContext, type RequestContext } from "./context.ts";

/**
 * Keeps the current request's context for chunks that are generated later, when the client reads them, like Flask's
 * `stream_with_context`. Wraps a generator or another iterable; or a function, which keeps the context until its promise is
 * settled. The session can be read there but no longer changed.
 *
 * If a handler returns its response, the request is over when it returns: without this, `session` throws
 * `OutsideRequestError` in a stream. If it writes to Node's response, the request is over when that is complete.
 *
 * @throws OutsideRequestError if no request is being handled
 * @example
 * ```ts
 * import { session, streamWithContext } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 *
 * async function* lines() {
 *   yield "hello, ";
 *   yield `${session.username ?? "stranger"}\n`;
 * }
 * export const fetch = sessions({ secretKey: "dev" })(
 *   () => new Response(ReadableStream.from(streamWithContext(lines())).pipeThrough(new TextEncoderStream())),
 * );
 * ```
 */
export function streamWithContext<Args extends unknown[], Result>(
  callback: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result>;
export function streamWithContext<Chunk>(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
): AsyncIterableIterator<Chunk>;
export function streamWithContext<Chunk, Args extends unknown[]>(
  source: AsyncIterable<Chunk> | Iterable<Chunk> | ((...args: Args) => Promise<unknown>),
): unknown {
  const context = currentContext();
  if (typeof source !== "function") return iterate(context, source);
  context.retain();
  return async (...args: Args) => {
    try {
      return await context.run(() => source(...args));
    } finally {
      context.release();
    }
  };
}

function iterate<Chunk>(
  context: RequestContext,
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
): AsyncIterableIterator<Chunk> {
  const source: AsyncIterator<Chunk> | Iterator<Chunk> =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  // Other values would never release it.
  context.retain();
  let isDone = false;
  const end = (): void => {
    if (!isDone) context.release();
    isDone = true;
  };
  return {
    async next() {
      try {
        const result = await context.run(() => source.next());
        if (result.done === true) end();
        return result;
      } catch (error) {
        end();
        throw error;
      }
    },
    async return() {
      try {
        return await context.run(() => source.return?.() ?? DONE);
      } finally {
        end();
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { done: true, value: undefined } as const;
