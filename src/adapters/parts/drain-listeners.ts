import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { isHttp2 } from "./node-arguments.ts";

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
