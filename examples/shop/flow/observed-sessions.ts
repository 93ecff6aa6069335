import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import {
  stateOf,
  type Fields,
  type OpenedEvent,
  type RefusedEvent,
  type SavedEvent,
  type Session,
  type SessionInterface,
  type SessionRequest,
  type SessionResponse,
  type SessionState,
} from "hipflask";
import type { Change, FlowRecord } from "./flow-record.ts";

/** The record of the request being handled. */
export const watched = new AsyncLocalStorage<FlowRecord>();

subscribe("hipflask:opened", (event) => {
  note({ verdict: { kind: "accepted", keys: (event as OpenedEvent).keys } });
});
subscribe("hipflask:refused", (event) => {
  note({ verdict: { kind: "refused", reason: (event as RefusedEvent).reason } });
});
subscribe("hipflask:saved", (event) => {
  note({ outcome: (event as SavedEvent).outcome });
});

/** Wraps an interface of the library to record each request. */
export class ObservedSessions implements SessionInterface {
  readonly #interface: SessionInterface;

  constructor(sessionInterface: SessionInterface) {
    this.#interface = sessionInterface;
  }

  async openSession(request: SessionRequest): Promise<Session | null | undefined> {
    const session = await this.#interface.openSession(request);
    const record = watched.getStore();
    if (record !== undefined && session) watchReads(stateOf(session), record);
    return session;
  }

  async saveSession(session: Session, request: SessionRequest, response: SessionResponse): Promise<void> {
    const record = watched.getStore();
    // Accesses while saving are not the view's.
    const read = new Set(record?.read);
    await this.#interface.saveSession(session, request, response);
    if (record === undefined) return;
    record.read = read;
    const state = stateOf(session);
    if (!state.isOpened) return;
    if (record.verdict.kind === "unread") record.verdict = { kind: "empty" };
    const fields = state.fields();
    record.changes = changesBetween(state.opened.fields, fields);
    if (record.operations.length > 0 && fields.size > 0) record.stored = jsonOf(fields);
  }
}

/** Records every key that is read: as a property, with `in`, or through a method. */
function watchReads(state: SessionState, record: FlowRecord): void {
  const { get, has } = state;
  state.get = (key) => {
    record.read.add(key);
    return get.call(state, key);
  };
  state.has = (key) => {
    record.read.add(key);
    return has.call(state, key);
  };
}

function changesBetween(before: Fields, after: Fields): Change[] {
  const removed = [...before.keys()].filter((key) => !after.has(key));
  const written = [...after].filter(([key, text]) => before.get(key) !== text);
  return [
    ...written.map(([key]): Change => ({ key, kind: before.has(key) ? "changed" : "added" })),
    ...removed.map((key): Change => ({ key, kind: "removed" })),
  ];
}

function jsonOf(fields: Fields): string {
  return `{${[...fields].map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ")}}`;
}

function note(what: Partial<FlowRecord>): void {
  const record = watched.getStore();
  if (record !== undefined) Object.assign(record, what);
}
