import type { ServerResponse } from "node:http";
import type { OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamFileResponseOptions } from "node:http2";

type Http2Response = ServerResponse & { readonly stream: ServerHttp2Stream };
/** Node 24 also accepts a flat list. */
type Headers = OutgoingHttpHeaders | readonly string[];

/** RFC 9113 §7. */
const INTERNAL_ERROR = 2;

/** The held response of a stream. */
export interface Holder {
  /** Whether the response queues or drops calls. */
  readonly isHolding: boolean;
  /** Calls `send`, which sends the head, after the session is saved. */
  answer(send: () => void): void;
  /** Calls `send`, which writes or ends, while nothing is held. */
  pass(method: "write" | "end", send: () => unknown): unknown;
}

/**
 * `res.stream` of HTTP/2 can respond without the response: `respond`, `respondWithFile`, and a body without either. These
 * calls are held like those of the response, so that the session is saved before them, and its headers are sent with
 * theirs.
 */
export function holdStream(res: ServerResponse, holder: Holder): void {
  const { stream } = res as Http2Response;
  const { respond, respondWithFD, respondWithFile, write, end } = stream;
  /** If a file cannot be read, its `onError` responds, when nothing is held any more. */
  let isFile = false;
  // Node itself ends a closed stream.
  const isHeld = (): boolean => holder.isHolding && !stream.closed && !stream.destroyed && !stream.aborted;

  stream.respond = (headers?: Headers, options?: object & { endStream?: boolean }) => {
    if (!isHeld())
      return respond.call(stream, isFile ? withHeadersOf(res, headers) : (headers as never), options);
    const { status, rest } = split(headers);
    res.writeHead(status, rest);
    if (options?.endStream === true) res.end();
  };
  const holdFile = <Source>(
    send: (this: typeof stream, source: Source, headers?: OutgoingHttpHeaders, options?: object) => void,
  ) => {
    return (source: Source, headers?: Headers, options?: ServerStreamFileResponseOptions): void => {
      if (!isHeld()) return send.call(stream, source, headers as OutgoingHttpHeaders, options);
      const { status, rest } = split(headers);
      res.statusCode = status;
      for (const [name, value] of Object.entries(rest)) res.setHeader(name, value as string);
      isFile = true;
      holder.answer(() => {
        // The client may have disconnected.
        if (stream.closed || stream.destroyed) return;
        send.call(stream, source, withHeadersOf(res, { ":status": res.statusCode }), options);
      });
    };
  };
  stream.respondWithFile = holdFile(respondWithFile);
  stream.respondWithFD = holdFile(respondWithFD);
  stream.write = ((...args: Parameters<typeof res.write>) =>
    isHeld()
      ? res.write(...args)
      : holder.pass("write", () => Reflect.apply(write, stream, args))) as typeof stream.write;
  stream.end = ((...args: Parameters<typeof res.end>) => {
    if (isHeld()) res.end(...args);
    else holder.pass("end", () => Reflect.apply(end, stream, args));
    return stream;
  }) as typeof stream.end;
}

/** Ends a response with an error. Destroying the stream would end it without one, as if it were complete. */
export function cutStream(res: ServerResponse): void {
  (res as Http2Response).stream.close(INTERNAL_ERROR);
}

function split(headers: Headers = {}): { status: number; rest: OutgoingHttpHeaders } {
  const { ":status": status = 200, ...rest } = recordOf(headers);
  return { status: Number(status), rest };
}

function recordOf(headers: Headers): OutgoingHttpHeaders {
  if (!Array.isArray(headers)) return headers as OutgoingHttpHeaders;
  const record: OutgoingHttpHeaders = {};
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [String(headers[at]).toLowerCase(), headers[at + 1] as string];
    record[name] = record[name] === undefined ? value : ([record[name], value].flat() as string[]);
  }
  return record;
}

/** The headers of the response, which include the session's. */
function withHeadersOf(res: ServerResponse, headers: Headers = {}): OutgoingHttpHeaders {
  const given = recordOf(headers);
  const cookies = new Set([res.getHeader("Set-Cookie") ?? [], given["set-cookie"] ?? []].flat().map(String));
  const all: OutgoingHttpHeaders = { ...res.getHeaders(), ...given };
  return cookies.size === 0 ? all : { ...all, "set-cookie": [...cookies] };
}
