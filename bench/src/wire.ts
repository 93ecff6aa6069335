import { createServer, type Server } from "node:http";
import { Duplex } from "node:stream";
import { cookieFrom, dispatch, HEADERS, type Handler } from "./dispatch.ts";
import type { Pair } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { payload, SIZES, type Workload } from "./workloads.ts";

/** A connection without a kernel: what is pushed is read by the server, what the server writes answers. */
class Wire extends Duplex {
  #onAnswer: (() => void) | undefined;

  send(request: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
      this.push(request);
    });
  }

  override _read(): void {
    // What there is to read is pushed.
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
    this.#onAnswer?.();
  }

  override _writev(_chunks: unknown[], done: () => void): void {
    done();
    this.#onAnswer?.();
  }

  // What a server calls on its sockets.
  setTimeout = () => this;
  setNoDelay = () => this;
  setKeepAlive = () => this;
  ref = () => this;
  unref = () => this;
}

/** A whole `node:http` server – parser, request, response – with sessions and without; a valid cookie comes each time. */
export async function httpPair(peer: Peer, workload: Workload): Promise<Pair> {
  const cookie = cookieFrom(await dispatch(peer.login(payload(SIZES[0])), ""));
  const request = requestText(cookie);
  const subject = connect(serve(peer[workload]!));
  const baseline = connect(serve(peer.bare));
  return { subject: () => subject.send(request), baseline: () => baseline.send(request) };
}

const serve = (handler: Handler) => createServer((req, res) => void handler(req, res));

function connect(server: Server): Wire {
  const wire = new Wire();
  server.emit("connection", wire);
  return wire;
}

/** What a browser sends. */
export function requestText(cookie: string): Buffer {
  let text = "GET / HTTP/1.1\r\n";
  for (let at = 0; at < HEADERS.length; at += 2) text += `${HEADERS[at]}: ${HEADERS[at + 1]}\r\n`;
  return Buffer.from(`${text}Cookie: ${cookie}\r\n\r\n`);
}
