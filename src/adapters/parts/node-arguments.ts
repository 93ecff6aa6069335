import { ServerResponse, type IncomingMessage } from "node:http";

/** Enough of a request for a response that is never sent. */
const NO_REQUEST = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage;

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
    if (isOdd) new ServerResponse(NO_REQUEST).writeHead(first as number, headers);
    return;
  }
  if (!isHeadSaid) assertHead(res.statusCode, isHttp2(res) ? undefined : res.statusMessage);
  if (method !== "write" && method !== "end") return;
  if (method === "end" && (!first || typeof first === "function")) return;
  if (typeof first === "string") {
    if (typeof second === "string" && second !== "buffer" && !Buffer.isEncoding(second))
      refuseEncoding(second);
  } else if (!(first instanceof Uint8Array)) new ServerResponse(NO_REQUEST).write(first);
}

/** There a status has no text (RFC 9113 §8.3.2), and reading it makes Node warn. */
export function isHttp2(res: ServerResponse): boolean {
  return typeof (res as { stream?: { respond?: unknown } }).stream?.respond === "function";
}

function assertHead(status: unknown, reason: string | undefined): void {
  const code = (status as number) | 0;
  const isOdd = code < 100 || code > 999 || (reason !== undefined && BAD_REASON.test(reason));
  if (isOdd) new ServerResponse(NO_REQUEST).writeHead(status as number, reason);
}

function refuseEncoding(encoding: string): never {
  throw Object.assign(new TypeError(`Unknown encoding: ${encoding}`), { code: "ERR_UNKNOWN_ENCODING" });
}
