import { isPromise } from "node:util/types";
import { readCookie } from "../http/cookie.ts";
import { HipflaskError } from "../errors.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "../interfaces/session-interface.ts";
import type { Fields } from "../json/fields.ts";
import { observed } from "../http/response-headers.ts";
import type { SessionState } from "../session/state.ts";
import { stateOf, type Session } from "../session/session.ts";
import { traces, watched } from "./flow-events.ts";
import type { RequestLog } from "./request-log.ts";
import {
  clipped,
  MOST,
  newTrace,
  type RequestTrace,
  type KeyChange,
  type SentCookie,
} from "./request-trace.ts";

/** The trace of a request. */
interface Watch {
  readonly trace: RequestTrace;
  /** Value of `performance.now()` when the handler began. */
  readonly handledFrom: number;
}

/**
 * Wraps an interface to trace each request. Synchronous if the wrapped interface is, with the same errors.
 */
export class WatchedSessions implements SessionInterface {
  readonly #interface: SessionInterface;
  readonly #log: RequestLog;
  readonly #cookieName: string | undefined;
  readonly #watches = new WeakMap<SessionState, Watch>();
  /** Requests that are not recorded, such as those for the inspector's own page. */
  readonly #ignored = new WeakSet<RequestTrace>();
  readonly commitSession: SessionInterface["commitSession"];
  readonly reloadSession: SessionInterface["reloadSession"];
  readonly getCookieName: SessionInterface["getCookieName"];

  constructor(sessionInterface: SessionInterface, log: RequestLog, cookieName: string | undefined) {
    this.#interface = sessionInterface;
    this.#log = log;
    this.#cookieName = cookieName;
    this.commitSession = sessionInterface.commitSession?.bind(sessionInterface);
    this.reloadSession = sessionInterface.reloadSession?.bind(sessionInterface);
    this.getCookieName = sessionInterface.getCookieName?.bind(sessionInterface);
  }

  openSession(request: SessionRequest): ReturnType<SessionInterface["openSession"]> {
    const trace = newTrace({
      at: Date.now(),
      method: request.method ?? "",
      path: pathOf(request.url ?? ""),
      cookieIn: sizeOfCookie(request, this.#cookieName),
    });
    const from = performance.now();
    return andThen(
      () => watched.run(trace, () => this.#interface.openSession(request)),
      (session) => {
        trace.took.open = performance.now() - from;
        this.#watch(trace, session);
        return session;
      },
      (error) => this.#fail(trace, "open", error),
    );
  }

  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void> {
    const state = stateOf(session);
    const watch = this.#watches.get(state);
    if (watch === undefined || this.#ignored.has(watch.trace)) {
      return this.#interface.saveSession(session, request, response);
    }
    const { trace, handledFrom } = watch;
    const from = performance.now();
    trace.took.handle = from - handledFrom;
    trace.status = response.status;
    // Accesses while saving are not the handler's.
    const read = new Set(trace.read);
    const left = state.isOpened ? new Map(state.fields()) : undefined;
    let sent: SentCookie | undefined;
    const headers = observed(response.headers, (name, line) => {
      sent = sentCookie(name, line, this.#cookieName) ?? sent;
    });
    return andThen(
      () =>
        watched.run(trace, () =>
          this.#interface.saveSession(session, request, { status: response.status, headers }),
        ),
      () => {
        trace.took.save = performance.now() - from;
        trace.read = read;
        trace.setCookie = sent;
        if (state.isOpened) {
          if (trace.verdict.kind === "unread") trace.verdict = { kind: "empty" };
          trace.changes = changesBetween(state.opened.fields, left ?? state.opened.fields);
        }
        this.#log.add(trace);
      },
      (error) => this.#fail(trace, "save", error),
    );
  }

  /** Omits the request of this session from the log. */
  ignore(session: Session): void {
    const watch = this.#watches.get(stateOf(session));
    if (watch !== undefined) this.#ignored.add(watch.trace);
  }

  #watch(trace: RequestTrace, session: Session | null | undefined): void {
    const state = session ? (stateOf(session) as SessionState | undefined) : undefined;
    // A null session is neither opened nor saved.
    if (state === undefined) return;
    watchReads(state, trace);
    traces.set(state, trace);
    this.#watches.set(state, { trace, handledFrom: performance.now() });
  }

  #fail(trace: RequestTrace, step: "open" | "save", error: unknown): never {
    trace.failure = { step, code: error instanceof HipflaskError ? error.code : "another error" };
    this.#log.add(trace);
    throw error;
  }
}

/** Calls a function with a result or with the value of a promise. */
function andThen<Result, Made>(
  work: () => Result | Promise<Result>,
  then: (result: Result) => Made,
  fail: (error: unknown) => never,
): Made | Promise<Made> {
  let result: Result | Promise<Result>;
  try {
    result = work();
  } catch (error) {
    return fail(error);
  }
  return isPromise(result) ? (result as Promise<Result>).then(then, fail) : then(result as Result);
}

/** Records every key that is read: as a property, with `in`, or through a method. */
function watchReads(state: SessionState, trace: RequestTrace): void {
  const { get, has } = state;
  const read = (key: string): void => {
    if (trace.read.size < MOST) trace.read.add(clipped(key));
  };
  state.get = (key) => {
    read(key);
    return get.call(state, key);
  };
  state.has = (key) => {
    read(key);
    return has.call(state, key);
  };
}

function changesBetween(before: Fields, after: Fields): readonly KeyChange[] {
  const removed = [...before.keys()].filter((key) => !after.has(key));
  const written = [...after].filter(([key, text]) => before.get(key) !== text);
  const changes = [
    ...written.map(([key]): KeyChange => ({
      key: clipped(key),
      kind: before.has(key) ? "changed" : "added",
    })),
    ...removed.map((key): KeyChange => ({ key: clipped(key), kind: "removed" })),
  ];
  return changes.slice(0, MOST);
}

function sizeOfCookie(request: SessionRequest, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const value = readCookie(request.headers.get("Cookie") ?? "", name);
  return value === undefined ? undefined : Buffer.byteLength(`${name}=${value}`);
}

/** Removes the query, which may contain sensitive data: searches, tokens of emails. */
function pathOf(url: string): string {
  return url.replace(/^[a-z][\w+.-]*:\/\/[^/?#]*/i, "").split(/[?#]/, 1)[0] || "/";
}

/** The session's Set-Cookie line, without the value; `undefined` for any other header. */
function sentCookie(name: string, line: string, cookieName: string | undefined): SentCookie | undefined {
  const isOurs = cookieName === undefined || line.startsWith(`${cookieName}=`);
  if (!/^set-cookie$/i.test(name) || !isOurs) return undefined;
  const [pair = "", ...attributes] = line.split(/;\s*/);
  return { size: Buffer.byteLength(line), attributes: attributes.join("; "), isRemoval: pair.endsWith("=") };
}
