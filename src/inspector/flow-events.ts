import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { getSession, hasSession } from "../request/context.ts";
import { OutsideRequestError } from "../errors.ts";
import type {
  LostEvent,
  MigratedEvent,
  OpenedEvent,
  RefusedEvent,
  SavedEvent,
  StoreFailedEvent,
} from "../interfaces/events.ts";
import { stateOf } from "../session/session.ts";
import { MOST, type RequestTrace } from "./request-trace.ts";

/** The trace of the request that is being opened or saved. */
export const watched = new AsyncLocalStorage<RequestTrace>();
/** The trace of each session, by its state: a cookie is often opened during a handler. */
export const traces = new WeakMap<object, RequestTrace>();

/** Handles the events of sessions of all requests; a request that is not recorded has no trace. */
const LISTENERS: Readonly<Record<string, (trace: RequestTrace, event: unknown) => void>> = {
  opened(trace, event) {
    const { keys, selector } = event as OpenedEvent;
    trace.verdict = { kind: "accepted", keys };
    trace.selector = selector;
  },
  refused(trace, event) {
    // Several cookies may be sent; the accepted one counts.
    if (trace.verdict.kind !== "accepted")
      trace.verdict = { kind: "refused", reason: (event as RefusedEvent).reason };
  },
  saved(trace, event) {
    trace.outcome = (event as SavedEvent).outcome;
  },
  created: (trace) => note(trace, "created"),
  rotated: (trace) => note(trace, "rotated"),
  destroyed: (trace) => note(trace, "destroyed"),
  reused: (trace) => note(trace, "reused: a rotated token was sent again"),
  storeFailed: (trace, event) =>
    note(trace, `store failed: ${(event as StoreFailedEvent).verb}, ${(event as StoreFailedEvent).reason}`),
  lost: (trace, event) => note(trace, `lost: ${(event as LostEvent).reason}`),
  migrated: (trace, event) => note(trace, `migrated from ${(event as MigratedEvent).from}`),
};

let isListening = false;

/** Subscribes once per process. */
export function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const [name, listener] of Object.entries(LISTENERS)) {
    subscribe(`hipflask:${name}`, (event) => {
      const trace = currentTrace();
      if (trace !== undefined) listener(trace, event);
    });
  }
}

/** The trace of the request being handled. */
export function currentTrace(): RequestTrace | undefined {
  const trace = watched.getStore();
  if (trace !== undefined || !hasSession()) return trace;
  try {
    return traces.get(stateOf(getSession()));
  } catch (error) {
    if (error instanceof OutsideRequestError) return undefined;
    throw error;
  }
}

function note({ events }: RequestTrace, text: string): void {
  if (events.length < MOST) events.push(text);
}
