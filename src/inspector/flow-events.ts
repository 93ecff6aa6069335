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
import { MOST, type FlowRecord } from "./flow-record.ts";

/** The record of the request that is being opened or saved. */
export const watched = new AsyncLocalStorage<FlowRecord>();
/** The record of each session, by its state: a cookie is often opened during a handler. */
export const records = new WeakMap<object, FlowRecord>();

/** Handles the events of sessions of all requests; a request that is not recorded has no record. */
const LISTENERS: Readonly<Record<string, (record: FlowRecord, event: unknown) => void>> = {
  opened(record, event) {
    const { keys, selector } = event as OpenedEvent;
    record.verdict = { kind: "recognised", keys };
    record.selector = selector;
  },
  refused(record, event) {
    // Several cookies may be sent; the accepted one counts.
    if (record.verdict.kind !== "recognised")
      record.verdict = { kind: "refused", reason: (event as RefusedEvent).reason };
  },
  saved(record, event) {
    record.outcome = (event as SavedEvent).outcome;
  },
  created: (record) => note(record, "created"),
  rotated: (record) => note(record, "rotated"),
  destroyed: (record) => note(record, "destroyed"),
  reused: (record) => note(record, "reused: a replaced token came back"),
  storeFailed: (record, event) =>
    note(record, `store failed: ${(event as StoreFailedEvent).verb}, ${(event as StoreFailedEvent).reason}`),
  lost: (record, event) => note(record, `lost: ${(event as LostEvent).reason}`),
  migrated: (record, event) => note(record, `migrated from ${(event as MigratedEvent).from}`),
};

let isListening = false;

/** Subscribes once per process. */
export function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const [name, listener] of Object.entries(LISTENERS)) {
    subscribe(`hipflask:${name}`, (event) => {
      const record = currentRecord();
      if (record !== undefined) listener(record, event);
    });
  }
}

/** The record of the request being handled. */
export function currentRecord(): FlowRecord | undefined {
  const record = watched.getStore();
  if (record !== undefined || !hasSession()) return record;
  try {
    return records.get(stateOf(getSession()));
  } catch (error) {
    if (error instanceof OutsideRequestError) return undefined;
    throw error;
  }
}

function note({ events }: FlowRecord, text: string): void {
  if (events.length < MOST) events.push(text);
}
