import { AsyncLocalStorage } from "node:async_hooks";
import { isPromise } from "node:util/types";
import { askOtherCopies, shareClass, showRequests, type Requests } from "../copies.ts";
import {
  ConfigError,
  ForeignContextError,
  OutsideRequestError,
  SessionClosedError,
  SessionLostError,
} from "../errors.ts";
import type { SessionInterface, SessionRequest, SessionResponse } from "../interfaces/session-interface.ts";
import { FLASHES } from "../session/flash.ts";
import { INSPECT, SessionState } from "../session/state.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";

const current = new AsyncLocalStorage<RequestContext>();

/** Number of handlers that were started, to order events relative to a start. */
let starts = 0;
/** The context whose `run` is on the call stack, and the number of that call. */
let running: RequestContext | undefined;
let run = 0;
let runs = 0;

/** Records a use of the global `session`. @throws OutsideRequestError, or SessionClosedError for a write, after the request has ended */
let use: (context: RequestContext, isWrite: boolean) => void;

/** Key of the context on the framework's objects. A property, since a WeakMap entry costs as much as the rest of a context. */
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
 * One request with its session, like Flask's request context: created when the request arrives, current for all code that
 * the handler calls, and complete when the session is saved. Adapters call, in this order: `new RequestContext` → `await
 * opening` → `run(handler)` → `await save(response)`.
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
  /** Resolves once the session is open; `undefined` if it is open already. */
  readonly opening: Promise<void> | undefined;
  readonly #interface: SessionInterface;
  readonly #request: SessionRequest;
  #session: Session | undefined;
  #state: SessionState | undefined;
  #isNull = false;
  #saved: Promise<void> | true | undefined;
  /** The framework's first object for the request, the same in two contexts of one request. */
  readonly #exchange: object | undefined;
  #isEnded = false;
  /** The enclosing context of the same request, with other options. */
  #outer: RequestContext | undefined;
  /** Steps to run before the session is saved. */
  #lastSteps: (() => void)[] | undefined;
  #lastLook: (() => void) | undefined;
  /** The progress of the response, if the adapter reports it. */
  #answer: "begun" | "complete" | undefined;
  /** Calls of {@link retain} minus those of {@link release}. */
  #retained = 0;
  /** The value of `starts` when the handler was started. */
  #startedAt = 0;
  /** The value of `starts` at the last use of the global `session`, or the number of the `run` it was in. */
  #usedAt = -1;
  #usedInRun = -1;
  /** Why the session must not be saved. */
  #mixUp: ForeignContextError | undefined;
  /** The commit or reload in progress; never rejects. */
  #busy: Promise<void> | undefined;

  /**
   * @param keys the framework's own objects for this request, first the one that no other request shares; `getSession`
   * finds the session by any of them
   * @throws whatever `openSession` throws
   */
  constructor(sessionInterface: SessionInterface, request: SessionRequest, ...keys: object[]) {
    this.#interface = sessionInterface;
    this.#request = request;
    this.#exchange = keys[0];
    const opened = sessionInterface.openSession(request);
    if (isPromise(opened)) this.opening = opened.then((session) => this.#open(session));
    else this.#open(opened);
    this.attachTo(...keys);
  }

  /** Lets `getSession` find this session by further objects of the framework. */
  attachTo(...keys: object[]): void {
    for (const key of keys as Marked[]) {
      const given = key[CONTEXT];
      if (given !== undefined && given !== this && given.#isSameExchange(this)) this.#outer = given;
      key[CONTEXT] = this;
    }
  }

  /**
   * The context in which this interface has opened the session of a request already, because it is used twice for the request.
   *
   * @throws ConfigError where another interface has opened the same cookie: each would overwrite what the other one saves
   */
  static opened(key: object, sessionInterface: SessionInterface): RequestContext | undefined {
    for (let given = (key as Marked)[CONTEXT]; given !== undefined; given = given.#outer) {
      // A request object may be handled again, and the session of a handshake may be opened as often as one likes.
      if (given.isOver || given.#request.isHandshake === true) continue;
      if (given.isFrom(sessionInterface)) return given;
      const cookieName = sessionInterface.getCookieName?.();
      if (cookieName !== undefined && cookieName === given.#interface.getCookieName?.())
        throw new ConfigError(usedTwice(cookieName));
    }
    return undefined;
  }

  /** Whether this interface has opened the session. */
  isFrom(sessionInterface: SessionInterface): boolean {
    return this.#interface === sessionInterface;
  }

  /** Calls `step` before the session is saved; if it throws, the save fails. */
  beforeSave(step: () => void): void {
    if (this.#lastSteps === undefined) this.#lastSteps = [step];
    else this.#lastSteps.push(step);
  }

  /** Calls `step` when the response is complete, for adapters that tell; not for a session that was not saved. */
  afterAnswer(step: () => void): void {
    this.#lastLook = step;
  }

  /** The session of this request. */
  get session(): Session {
    if (this.#session === undefined)
      throw new OutsideRequestError("The session of this request is still being opened.");
    return this.#session;
  }

  /** Calls `handler` with this context as the current one, including the timers, promises and streams that it starts. */
  run<Result>(handler: () => Result): Result {
    const outer = running;
    const outerRun = run;
    if (this.#startedAt === 0) this.#startedAt = ++starts;
    if (running !== this) run = ++runs;
    // oxlint-disable-next-line typescript/no-this-alias -- the context entered last
    running = this;
    try {
      return current.run(this, handler);
    } finally {
      running = outer;
      run = outerRun;
    }
  }

  /** Like {@link run}, unless the caller already runs in a context of this request. */
  runOwn<Result>(handler: () => Result): Result {
    const now = current.getStore();
    return now !== undefined && now !== this && now.#isSameExchange(this) ? handler() : this.run(handler);
  }

  /** Whether the caller runs in this context, or in another one of the same request. */
  get isCurrent(): boolean {
    const now = current.getStore();
    return now === this || (now !== undefined && now.#isSameExchange(this));
  }

  /**
   * Adapters call this when a response is sent. Returns an error if the caller runs in the context of another request in
   * which the global `session` was used since this request started: the response may contain the other session's data, so
   * it must be the error; the other session's changes are not saved.
   */
  refusal(): ForeignContextError | undefined {
    const now = current.getStore();
    if (now === undefined || this.isCurrent) return undefined;
    const isUsed = now.#usedAt >= this.#startedAt || (now === running && now.#usedInRun === run);
    if (!isUsed) return undefined;
    now.#refuseChanges();
    return new ForeignContextError(MIXED_RESPONSE);
  }

  /** Lets {@link save} fail with the error of {@link refusal}, for adapters that have the response before it is sent. */
  checkAnswer(): void {
    if (!this.isCurrent) this.#mixUp ??= this.refusal();
  }

  /**
   * The response continues after its session is saved, so the context stays usable until {@link endAnswer}. Otherwise a
   * request is over once it is saved, and its `session` throws OutsideRequestError from then on.
   */
  beginAnswer(): void {
    this.#answer = "begun";
  }

  /** The response is complete, or its client has disconnected. */
  endAnswer(): void {
    this.#answer = "complete";
    if (this.#saved !== undefined) this.#lastLook?.();
    this.#lastLook = undefined;
    this.#outer?.endAnswer();
  }

  /** Nothing more can be saved, since a socket has closed. */
  end(): void {
    this.#isEnded = true;
  }

  /** Keeps the context usable until {@link release}. */
  retain(): void {
    this.#retained++;
  }

  /** Undoes one {@link retain}. */
  release(): void {
    this.#retained--;
  }

  /** The session is saved and the response complete. */
  get isOver(): boolean {
    return (this.#saved !== undefined || this.#isEnded) && this.#answer !== "begun" && this.#retained === 0;
  }

  /**
   * Saves the session and writes its headers; call it before the headers are sent. Saves once: later calls wait for the
   * first one. Later changes of the session throw a `SessionClosedError`.
   *
   * @throws or rejects with the error of `saveSession`; the response must then be an error
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
   * Stores the current changes now; later saves store the changes made since. Does nothing for a session in a cookie, which
   * is written with the headers.
   *
   * @throws SessionLostError if the session ended meanwhile, or got another identity; ForeignContextError if another
   * request may have changed it; StoreError and other errors of saving, after which the changes can still be saved
   */
  async commit(): Promise<void> {
    if (this.#mixUp !== undefined) throw this.#mixUp;
    if (this.#saved !== undefined) await this.#saved;
    else if (this.#interface.commitSession === undefined) this.#readOnly();
    else if (!this.#isNull)
      await this.#alone(async () => this.#interface.commitSession!(this.session, this.#request));
  }

  /**
   * Reads the session again, and drops unsaved changes.
   *
   * @throws SessionLostError if the session has ended, though its data can still be read; StoreError
   */
  async reload(): Promise<void> {
    // The caller that awaits save() gets the rejection.
    if (this.#saved instanceof Promise) await this.#saved.catch(() => {});
    await this.#alone(async () => {
      const state = this.#state!;
      const wasOpened = state.isOpened;
      const shown = wasOpened ? state.get(FLASHES) : undefined;
      if (this.#interface.reloadSession === undefined || this.#isNull) await this.#openAgain();
      else await this.#interface.reloadSession(this.session, this.#request);
      if (!wasOpened || state.isClosed) return;
      // Messages are shown once per request, even after a reload.
      if (shown !== undefined) state.set(FLASHES, shown);
      else if (state.has(FLASHES)) state.delete(FLASHES);
    });
  }

  toString(): string {
    return String(this.session);
  }

  #save(response: SessionResponse): Promise<void> | void {
    try {
      if (this.#mixUp !== undefined) throw this.#mixUp;
      this.#lastSteps?.forEach((step) => step());
      return this.#isNull ? undefined : this.#interface.saveSession(this.session, this.#request, response);
    } finally {
      this.#state!.close();
    }
  }

  #isSameExchange(other: RequestContext): boolean {
    return this.#exchange !== undefined && this.#exchange === other.#exchange;
  }

  /** Marks the session's changes as possibly another request's. */
  #refuseChanges(): void {
    const state = this.#state;
    if (this.#saved !== undefined || !state?.isOpened) return;
    try {
      // Detects nested changes.
      state.fields();
      if (!state.modified) return;
    } catch {
      // A value that cannot be stored is a change as well.
    }
    this.#mixUp ??= new ForeignContextError(MIXED_SESSION);
  }

  static {
    use = (context, isWrite) => {
      if (running === context) context.#usedInRun = run;
      else if (!context.isOver) context.#usedAt = starts;
      // The response may still be a stream, which is where a late write usually comes from.
      else if (isWrite && context.#answer === undefined) throw new SessionClosedError(OVER_WRITE);
      else throw new OutsideRequestError(OVER);
    };
  }

  /** Runs one step at a time, in the order of the calls. */
  async #alone(step: () => Promise<void>): Promise<void> {
    const done = this.#busy === undefined ? step() : this.#busy.then(step);
    const busy = done.catch(() => {});
    this.#busy = busy;
    await done;
    if (this.#busy === busy) this.#busy = undefined;
  }

  /** Nested mutations are only detected here. @throws SessionClosedError */
  #readOnly(): void {
    if (this.#request.isHandshake) this.#state?.fields();
  }

  async #openAgain(): Promise<void> {
    const session = await this.#interface.openSession(this.#request);
    const state = session ? stateOf(session) : undefined;
    if (state === undefined || state.size === 0) throw new SessionLostError("There is no session to reload.");
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

const usedTwice = (cookieName: string): string =>
  `Two \`sessions({ … })\` handle this request, both with the cookie "${cookieName}", so that one would overwrite what the other saves. Use one ` +
  "of them, give both the same SessionManager, or give each a `cookieName` of its own.";
const WHAT_TO_DO =
  "Use promises there, wrap the callback in `AsyncResource.bind` of `node:async_hooks`, or use `req.session` or " +
  "`getSession(request)`, which are always right.";
const OVER =
  "The request in whose context this code runs is over, so `session` does not work here. A stream that goes on after its " +
  "handler has returned reads the session in `streamWithContext`. Elsewhere a pool, a queue or an " +
  `emitter has usually called a callback in the context of an earlier request. ${WHAT_TO_DO} What a request starts for later ` +
  "takes what it needs from the session before.";
const OVER_WRITE =
  "The session was changed after the response's headers were sent; change it before the first byte leaves. If nothing was " +
  "sent yet, this code runs in the context of an earlier request: a pool, a queue or an emitter has called it there. " +
  WHAT_TO_DO;
const MIXED_RESPONSE =
  "This response was not sent: it was made in the context of another request, and `session` was used there, which is the " +
  "session of the other request's visitor. Usually a pool, a queue or an emitter has called a callback in that context. " +
  `${WHAT_TO_DO} A request that responds to others on purpose does so in \`withoutSession(() => …)\`.`;
const MIXED_SESSION =
  "This session was not saved: code of another request ran in the context of this one and used `session`, so the changes " +
  `may belong to another visitor. ${WHAT_TO_DO}`;

const NO_COOKIE =
  "A socket cannot write to a session that is kept in a cookie, since no cookie can be sent to it.";

/**
 * Returns the session of a request: of the framework's request object, or of the request being handled.
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
  throw new OutsideRequestError("This request has no session: it did not pass through `sessions({ … })`.");
}

const isCurrent = (requests: Requests) => requests.current();

/** The context of a framework's object, as `getSession` finds it. */
export function contextOf(request: object): RequestContext | undefined {
  return (request as Marked)[CONTEXT];
}

/** The context of the request being handled. @throws OutsideRequestError if there is none */
export function currentContext(isWrite = false): RequestContext {
  const own = current.getStore();
  if (own !== undefined) {
    use(own, isWrite);
    return own;
  }
  const context = elsewhere(isCurrent);
  if (context === undefined) throw new OutsideRequestError(undefined, [...advice].join(" "));
  return context;
}

const advice = new Set<string>();

/** Appends advice for a framework to the error of `session` outside a request. */
export function adviseOutside(sentence: string): void {
  advice.add(sentence);
}

/**
 * Calls a function outside any request, and returns its result. For work that outlives the request that starts it, and for
 * a request that responds to others: long polling, broadcasts. Inside, `session` throws.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { session, withoutSession } from "hipflask";
 * import { sessions } from "hipflask/express";
 *
 * const waiting = new Set<express.Response>();
 * const app = express().use(sessions({ secretKey: "dev" }));
 * app.get("/next", (req, res) => {
 *   waiting.add(res);
 *   res.on("close", () => waiting.delete(res));
 * });
 * app.post("/say/:text", (req, res) => {
 *   const message = { from: session.username, text: req.params.text };
 *   withoutSession(() => waiting.forEach((other) => other.json(message)));
 *   res.end();
 * });
 * ```
 */
export function withoutSession<Result>(callback: () => Result): Result {
  return current.run(undefined as unknown as RequestContext, callback);
}

/**
 * Whether a request is being handled, so that `session` can be used. Flask: `has_request_context`.
 *
 * @example
 * ```ts
 * import { hasSession, session } from "hipflask";
 * export const author = () => (hasSession() ? session.username : "a job in the background");
 * ```
 */
export function hasSession(): boolean {
  const context = current.getStore();
  if (context === undefined) return elsewhere(isCurrent) !== undefined;
  return context === running || !context.isOver;
}

/** The output of `console.log(session)`; like Flask's `repr`, it works outside a request. */
const OUTSIDE = {
  [INSPECT]: () =>
    (current.getStore() ?? elsewhere(isCurrent))?.toString() ?? "Session { outside of a request }",
} as object;

/**
 * The current request's session, like Flask's global `session`: use it in any function called while a request is handled.
 * Each request sees only its own.
 *
 * @throws OutsideRequestError when used outside a request
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
  set: (_, name, value) => Reflect.set(currentContext(true).session, name, value),
  has: (_, name) => Reflect.has(getSession(), name),
  deleteProperty: (_, name) => Reflect.deleteProperty(currentContext(true).session, name),
  ownKeys: () => Reflect.ownKeys(getSession()),
  getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(getSession(), name),
  defineProperty: (_, name, descriptor) =>
    Reflect.defineProperty(currentContext(true).session, name, descriptor),
  getPrototypeOf: () => Object.prototype,
  setPrototypeOf: () => false,
  preventExtensions: () => false,
});
