import { AsyncLocalStorage } from "node:async_hooks";
import { isPromise } from "node:util/types";
import { askOtherCopies, shareClass, showRequests, type Requests } from "../copies.ts";
import { OutsideRequestError, SessionClosedError, SessionLostError } from "../errors.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "../interfaces/session-interface.ts";
import { INSPECT, SessionState } from "../session/state.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";

const current = new AsyncLocalStorage<RequestContext>();

/** Marks the framework's objects. A property, since an entry in a WeakMap costs as much as the rest of a context. */
const CONTEXT = Symbol("hipflask.context");
type Marked = { [CONTEXT]?: RequestContext };

showRequests({
  current: () => current.getStore(),
  of: (request) => (request as Marked)[CONTEXT],
});

/** A context of another copy of this package: of its CommonJS build, for example. */
function elsewhere(ask: (requests: Requests) => object | undefined): RequestContext | undefined {
  return askOtherCopies(ask) as RequestContext | undefined;
}

/**
 * One request with its session, as Flask's request context: made when the request arrives, current for everything
 * called while it is handled, and done when its session is saved. Adapters walk it in this order:
 * `new RequestContext` → `await opening` → `run(handler)` → `await save(response)`.
 *
 * @example
 * ```ts
 * import { SessionManager, session } from "hipflask";
 *
 * const manager = new SessionManager({ secretKey: "dev" });
 * const headers = new Headers();
 * const context = manager.requestContext({ headers: new Headers() });
 * await context.opening;
 * context.run(() => (session.username = "ada"));
 * await context.save({ headers });
 * console.log(headers.get("set-cookie")); // session=eyJ1c2VybmFtZSI6ImFkYSJ9.…; HttpOnly; Path=/
 * ```
 */
export class RequestContext {
  /** Resolves once the session is there; `undefined` if it is there already. */
  readonly opening: Promise<void> | undefined;
  readonly #interface: SessionInterface;
  readonly #request: SessionRequest;
  #session: Session | undefined;
  #state: SessionState | undefined;
  #isNull = false;
  #saved: Promise<void> | true | undefined;
  /** The commit or reload that the next step waits for; never rejects. */
  #busy: Promise<void> | undefined;

  /**
   * @param keys the framework's own objects for this request; `getSession` finds the session by any of them
   * @throws whatever `openSession` throws
   */
  constructor(sessionInterface: SessionInterface, request: SessionRequest, ...keys: object[]) {
    this.#interface = sessionInterface;
    this.#request = request;
    const opened = sessionInterface.openSession(request);
    if (isPromise(opened)) this.opening = opened.then((session) => this.#open(session));
    else this.#open(opened);
    this.attachTo(...keys);
  }

  /** Makes `getSession` find this session by further objects of the framework's own. */
  attachTo(...keys: object[]): void {
    for (const key of keys as Marked[]) key[CONTEXT] = this;
  }

  /** The session of this request. */
  get session(): Session {
    if (this.#session === undefined)
      throw new OutsideRequestError("The session of this request is still being opened.");
    return this.#session;
  }

  /** Calls `handler` with this context as the current one, also for everything it starts: timers, promises, streams. */
  run<Result>(handler: () => Result): Result {
    return current.run(this, handler);
  }

  /**
   * Saves the session and writes its headers; call it before the first header leaves. Happens once: later calls wait
   * for the first one. Whoever changes the session after that gets a `SessionClosedError`.
   *
   * @throws or rejects with whatever `saveSession` fails with; the response must then be an error
   */
  save(response: SessionResponse): Promise<void> | undefined {
    if (this.#saved === undefined) {
      this.#saved = true;
      const saving =
        this.#busy === undefined ? this.#save(response) : this.#busy.then(() => this.#save(response));
      if (saving instanceof Promise) this.#saved = saving;
    }
    return this.#saved === true ? undefined : this.#saved;
  }

  /**
   * Makes what has changed so far durable now; what is saved later is what changed since. A session in a cookie is
   * written with the headers, so there is nothing to do for it.
   *
   * @throws SessionLostError if the session ended meanwhile, or moved on; StoreError and whatever else saving fails
   *   with, and then nothing is lost yet
   */
  async commit(): Promise<void> {
    if (this.#saved !== undefined) await this.#saved;
    else if (this.#interface.commitSession === undefined) this.#readOnly();
    else if (!this.#isNull)
      await this.#alone(async () => this.#interface.commitSession!(this.session, this.#request));
  }

  /**
   * Reads the session again, and drops what was not saved.
   *
   * @throws SessionLostError if there is no such session any more; what it held stays to be seen. StoreError
   */
  async reload(): Promise<void> {
    // Whoever waits for the save hears of its failure.
    if (this.#saved instanceof Promise) await this.#saved.catch(() => {});
    await this.#alone(async () => {
      const state = this.#state!;
      const wasOpened = state.isOpened;
      const shown = wasOpened ? state.get("_flashes") : undefined;
      if (this.#interface.reloadSession === undefined || this.#isNull) await this.#openAgain();
      else await this.#interface.reloadSession(this.session, this.#request);
      if (!wasOpened || state.isClosed) return;
      // Messages are shown once per request, whatever is read in it.
      if (shown !== undefined) state.set("_flashes", shown);
      else if (state.has("_flashes")) state.delete("_flashes");
    });
  }

  toString(): string {
    return String(this.session);
  }

  #save(response: SessionResponse): Promise<void> | void {
    try {
      return this.#isNull ? undefined : this.#interface.saveSession(this.session, this.#request, response);
    } finally {
      this.#state!.close();
    }
  }

  /** One at a time, in the order of the calls. */
  async #alone(step: () => Promise<void>): Promise<void> {
    const done = this.#busy === undefined ? step() : this.#busy.then(step);
    const busy = done.catch(() => {});
    this.#busy = busy;
    await done;
    if (this.#busy === busy) this.#busy = undefined;
  }

  /** What was changed inside of a value, no write has told of. @throws SessionClosedError */
  #readOnly(): void {
    if (this.#request.isHandshake) this.#state?.fields();
  }

  async #openAgain(): Promise<void> {
    const session = await this.#interface.openSession(this.#request);
    const state = session ? stateOf(session) : undefined;
    if (state === undefined || state.size === 0)
      throw new SessionLostError("There is no session to read again.");
    this.#state!.reset({ ...state.opened, fields: state.fields() }, state);
    if (state.modified) this.#state!.modified = true;
  }

  #open(session: Session | null | undefined): void {
    this.#isNull = session === null || session === undefined;
    const opened = session ?? sessionOf(new SessionState({ isNull: true }));
    this.#state = stateOf(opened);
    this.#session = opened;
    if (this.#request.isHandshake && this.#interface.commitSession === undefined)
      this.#state.close(() => new SessionClosedError(NO_COOKIE));
  }
}

shareClass("RequestContext", RequestContext);

const NO_COOKIE =
  "A socket cannot write to a session that is kept in a cookie, since no cookie can be sent to it.";

/**
 * The session of a request: of the one given (the framework's own object), or of the one being handled.
 *
 * @throws OutsideRequestError if there is none
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { getSession } from "hipflask";
 * import { sessions } from "hipflask/node";
 *
 * const visits = sessions({ secretKey: "dev" })((req, res) => {
 *   const session = getSession(req);
 *   session.visits = (session.visits ?? 0) + 1;
 *   res.end(`visit ${session.visits}\n`);
 * });
 * createServer(visits);
 * ```
 */
export function getSession(request?: object): Session {
  if (request === undefined) return currentContext().session;
  const context = (request as Marked)[CONTEXT] ?? elsewhere((requests) => requests.of(request));
  if (context !== undefined) return context.session;
  throw new OutsideRequestError("This request has no session: it did not come through `sessions({ … })`.");
}

const isCurrent = (requests: Requests) => requests.current();

/** The context of the request being handled. @throws OutsideRequestError if there is none */
export function currentContext(): RequestContext {
  const context = current.getStore() ?? elsewhere(isCurrent);
  if (context === undefined) throw new OutsideRequestError(outside);
  return context;
}

let outside: string | undefined;

/** What `session` outside of a request says in a framework that has another place for it. */
export function explainOutside(message: string): void {
  outside = message;
}

/**
 * Tells whether a request is being handled, that is, whether `session` can be used. Flask: `has_request_context`.
 *
 * @example
 * ```ts
 * import { hasSession, session } from "hipflask";
 * export const author = () => (hasSession() ? session.username : "a job in the background");
 * ```
 */
export function hasSession(): boolean {
  return (current.getStore() ?? elsewhere(isCurrent)) !== undefined;
}

/** What `console.log(session)` shows; like Flask's `repr` it works outside of a request. */
const OUTSIDE = {
  [INSPECT]: () =>
    (current.getStore() ?? elsewhere(isCurrent))?.toString() ?? "Session { outside of a request }",
} as object;

/**
 * The current request's session, as Flask's global `session`: import it once and use it in any function called while a
 * request is handled. Requests handled at the same time never see each other's.
 *
 * @throws OutsideRequestError at every use outside of a request
 * @example
 * ```ts
 * import { session } from "hipflask";
 * export function greeting(): string {
 *   return "username" in session ? `hello, ${session.username}` : "hello, stranger";
 * }
 * ```
 */
export const session: Session = new Proxy(OUTSIDE as Session, {
  get: (_, name) => Reflect.get(getSession(), name),
  set: (_, name, value) => Reflect.set(getSession(), name, value),
  has: (_, name) => Reflect.has(getSession(), name),
  deleteProperty: (_, name) => Reflect.deleteProperty(getSession(), name),
  ownKeys: () => Reflect.ownKeys(getSession()),
  getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(getSession(), name),
  defineProperty: (_, name, descriptor) => Reflect.defineProperty(getSession(), name, descriptor),
  getPrototypeOf: () => Object.prototype,
  setPrototypeOf: () => false,
  preventExtensions: () => false,
});
