import type { IncomingMessage, ServerResponse } from "node:http";
import type { SessionRequest, SessionResponse } from "../interfaces/session-interface.ts";
import type { ResponseHeaders } from "../response-headers.ts";

/** A request of `node:http` seen through the web's `Headers.get`. Nothing is read before it is asked for. */
export function requestOf(req: Pick<IncomingMessage, "rawHeaders" | "method" | "url">): SessionRequest {
  const { rawHeaders, method, url } = req;
  return { method, url, headers: { get: (name) => lookUp(rawHeaders, name.toLowerCase()) } };
}

/** A response of `node:http` seen as the headers a session writes. */
export function responseOf(res: ServerResponse): SessionResponse {
  return { status: res.statusCode, headers: new NodeResponseHeaders(res) };
}

class NodeResponseHeaders implements ResponseHeaders {
  readonly #res: ServerResponse;
  /** As it is now: a head that is sealed meanwhile is still open to its session. */
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
    const given = this.#res.getHeader(name);
    this.#setHeader.call(
      this.#res,
      name,
      given === undefined ? value : [...[given].flat().map(String), value],
    );
  }
}

/** Scans for one name: much cheaper than `req.headers`, which parses all of them at its first use. */
function lookUp(rawHeaders: readonly string[], wanted: string): string | null {
  let found: string | null = null;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== wanted.length || name.toLowerCase() !== wanted) continue;
    const value = rawHeaders[at + 1]!;
    // Cookie lines are joined with "; " (RFC 9113 §8.2.3), all others with ", ".
    found = found === null ? value : `${found}${wanted === "cookie" ? "; " : ", "}${value}`;
  }
  return found;
}
