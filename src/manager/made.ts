import type { SessionOptions } from "./options.ts";

/** The same in every copy of this package that a process loads. */
const LISTENER = Symbol.for("hipflask.made");
const place = globalThis as { [LISTENER]?: (options: SessionOptions) => void };

/** Tells `hipflask doctor` of the options that an app passes; otherwise nothing listens. */
export function tellMade(options: SessionOptions): void {
  if (Object(options) === options) place[LISTENER]?.(options);
}

/** Calls `listener` with the options of every manager that is made from now on, before they are checked. */
export function onMade(listener: (options: SessionOptions) => void): void {
  place[LISTENER] = listener;
}
