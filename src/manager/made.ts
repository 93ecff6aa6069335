import type { SessionOptions } from "./options.ts";

/** The same channel in all copies of this package in a process. */
const LISTENER = Symbol.for("hipflask.made");
const place = globalThis as { [LISTENER]?: (options: SessionOptions) => void };

/** Reports an app's options to `hipflask doctor`, the only listener. */
export function tellMade(options: SessionOptions): void {
  if (Object(options) === options) place[LISTENER]?.(options);
}

/** Calls `listener` with the options of every manager created from now on, before they are checked. */
export function onMade(listener: (options: SessionOptions) => void): void {
  place[LISTENER] = listener;
}
