import { cookieFrom, dispatch, type Handler } from "./dispatch.ts";
import type { Cells, Pair } from "./measure.ts";
import { payload, sizeName, SIZES, WORKLOADS, type Payload, type Size, type Workload } from "./workloads.ts";

/** A session library behind handlers that all do the same with it. */
export interface Peer {
  /** The same server without sessions; answers `ok`. */
  readonly bare: Handler;
  /** Fills a new session. */
  readonly login: (data: Payload) => Handler;
  /** The library is installed and a valid cookie came, but the session is not accessed. Absent if it must be asked. */
  readonly open?: Handler;
  /** Answers with the username in the session. */
  readonly read: Handler;
  /** Answers with the username in the session and stores another number of visits. */
  readonly save: Handler;
}

export const cellName = (workload: Workload, size: Size): string => `${workload} ${sizeName(size)}`;

/** What there is to measure of a peer: each workload at each size, against its own bare server. */
export function peerCells(peer: Peer): Cells {
  const cells: Cells = {};
  for (const workload of WORKLOADS) {
    const handler = peer[workload];
    if (handler === undefined) continue;
    for (const size of SIZES) cells[cellName(workload, size)] = () => pairOf(peer, workload, handler, size);
  }
  return cells;
}

async function pairOf(peer: Peer, workload: Workload, handler: Handler, size: Size): Promise<Pair> {
  const data = payload(size);
  const cookie = cookieFrom(await dispatch(peer.login(data), ""));
  if (cookie === "") throw new Error("The session was not saved.");
  // A library that drops the data would be fast and measure nothing.
  const { body } = await dispatch(handler, cookie);
  if (body !== (workload === "open" ? "ok" : data.username))
    throw new Error(`The session was not read: ${body}`);
  return { subject: call(handler, cookie), baseline: call(peer.bare, cookie) };
}

function call(handler: Handler, cookie: string) {
  return (): void | Promise<void> => {
    const reply = dispatch(handler, cookie);
    if (reply instanceof Promise) return reply.then(() => undefined);
  };
}
