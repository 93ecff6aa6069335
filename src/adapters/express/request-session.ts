import { SessionClosedError } from "../../errors.ts";
import type { RequestContext } from "../../request/context.ts";
import type { CookieConfig } from "../../interfaces/cookie-interface.ts";
import { SessionState } from "../../session/state.ts";
import {
  regenerate,
  sessionOf,
  stateOf,
  type Session,
  type SessionData,
  type SessionMethods,
} from "../../session/session.ts";
import { flashMessages, setFlashMessages } from "./flash-messages.ts";
import { layered, type Base } from "../parts/layered-session.ts";
import { assign } from "../parts/session-place.ts";
import { SessionCookie } from "./session-cookie.ts";

/** Called on completion, with the error if it failed. */
export type SessionCallback = (error?: unknown) => void;

/** The members of `req.session` beyond `session` of `hipflask`: those that Express code and its packages call. */
export interface RequestSessionMethods<Data = SessionData> {
  /** The public identifier of a session in a store, which is not valid as a cookie; undefined in cookie mode. */
  readonly id: string | undefined;
  /** How long the browser keeps the cookie. */
  readonly cookie: SessionCookie;
  /**
   * With a callback, as in express-session: this session ends, `req.session` is a new one when the callback is called, and
   * the old object still has the old data. Without, it is `session.regenerate` of `hipflask`, which takes effect at once.
   */
  readonly regenerate: {
    (options?: Parameters<SessionMethods<Data>["regenerate"]>[0]): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /** Ends the session at once; the promise or callback waits for the store. */
  readonly destroy: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /**
   * Stores the current changes now. Not needed before a response, which waits for the save. In cookie mode it does nothing:
   * the cookie is written with the headers.
   *
   * @throws SessionLostError if the session ended meanwhile; StoreError
   */
  readonly save: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /**
   * Reads the session again and drops unsaved changes.
   *
   * @throws SessionLostError if it has ended; StoreError
   */
  readonly reload: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /** Counts as activity, which extends a session; every request does so. */
  readonly touch: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
}

/** `req.session` in Express: the session, with the methods that Express code calls. */
export type RequestSession<Data = SessionData> = RequestSessionMethods<Data> & Session<Data>;

const OLD = "This is the session as it was before `regenerate`; the new one is `req.session`.";

/** The additional names of `req.session`; `flash` can be data of connect-flash. */
const METHODS: ReadonlySet<string> = new Set<keyof RequestSessionMethods>([
  "id",
  "cookie",
  "regenerate",
  "destroy",
  "save",
  "reload",
  "touch",
]);

/** The value of `req.session` for one request. */
export class RequestSessionSlot {
  readonly context: RequestContext;
  readonly config: CookieConfig;
  readonly #onError: ((error: unknown) => void) | undefined;
  #session: RequestSession | null | undefined;

  /** @param onError for a socket: called with the error of a save, since there is no response */
  constructor(context: RequestContext, config: CookieConfig, onError?: (error: unknown) => void) {
    this.context = context;
    this.config = config;
    this.#onError = onError;
  }

  get id(): string | undefined {
    return stateOf(this.context.session).selector;
  }

  get session(): RequestSession | null {
    if (this.#session === undefined) this.#session = this.#layer();
    return this.#session;
  }

  /** Null ends the session, and an object replaces the data of one without an owner, as in cookie-session. */
  set session(value: object | null | undefined) {
    const isEnd = value === null || value === undefined;
    if (value === this.#session && !isEnd) return;
    assign(this.context.session, value, (name) => METHODS.has(name));
    this.#session = isEnd ? null : undefined;
    // A socket has no response that would end it, and nothing is left to call `save` on.
    if (isEnd && this.#onError !== undefined) this.context.commit().catch(this.#onError);
  }

  #layer(): RequestSession {
    const base: Base = { session: this.context.session };
    const state = stateOf(base.session);
    const call =
      (step: () => Promise<void> | void) =>
      (callback?: SessionCallback): unknown =>
        this.#call(step, layer, callback);
    const endAndBegin = call(() => {
      const old = snapshotOf(state);
      state.destroy();
      base.session = old;
      this.#session = undefined;
    });
    const idOf = (): string | undefined => this.id;
    const layer = layered(base, {
      get id() {
        return idOf();
      },
      get flash() {
        return flashMessages(base.session, base.session.flash);
      },
      set flash(messages: unknown) {
        setFlashMessages(base.session, messages);
      },
      cookie: new SessionCookie(state, this.config),
      regenerate: (given?: SessionCallback | { keep?: readonly string[] | true }) =>
        typeof given === "function" ? endAndBegin(given) : this.#call(() => regenerate(state, given), layer),
      destroy: call(() => (state.destroy(), this.context.commit())),
      save: call(() => this.context.commit()),
      reload: call(() => this.context.reload()),
      touch: call(() => this.#touch(state)),
    }) as unknown as RequestSession;
    return layer;
  }

  /** @returns the session with a callback, otherwise a promise */
  #call(step: () => Promise<void> | void, session: unknown, callback?: SessionCallback): unknown {
    if (typeof callback !== "function") {
      const done = Promise.resolve(step());
      // If the caller does not wait, the response tries again and reports the error.
      done.catch((error: unknown) => this.#onError?.(error));
      return done;
    }
    // An error thrown by a callback is not an error of the session.
    const { callbackify } = process.getBuiltinModule("node:util");
    callbackify(async () => step())((error) => callback(error ?? undefined));
    return session;
  }

  #touch(state: SessionState): Promise<void> | void {
    if (this.#onError !== undefined) return this.context.commit();
    if (state.size > 0) state.touch();
  }
}

function snapshotOf(state: SessionState): Session {
  const fields = new Map(state.fields());
  const copy = new SessionState({ open: () => ({ fields }), json: state.json });
  copy.close(() => new SessionClosedError(OLD));
  return sessionOf(copy);
}
