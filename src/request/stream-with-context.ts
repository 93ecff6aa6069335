import { currentContext } from "./context.ts";

/**
 * Keeps the current request's context for chunks that are made later, when the client reads them. Node's own streams
 * and whatever a handler starts itself need no help; a generator or a `ReadableStream` that is pulled by the server
 * does, in Flask as well: this is Flask's `stream_with_context`. The session can be read there and no longer changed.
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
export function streamWithContext<Chunk>(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
): AsyncIterableIterator<Chunk> {
  const context = currentContext();
  const source: AsyncIterator<Chunk> | Iterator<Chunk> =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  return {
    next: async () => context.run(() => source.next()),
    return: async () => context.run(() => source.return?.() ?? DONE),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { done: true, value: undefined } as const;
