import { SessionClosedError } from "../../errors.ts";
import { callbackify } from "node:util";
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

/** Called when it is done, with the error if it failed. */
export type SessionCallback = (error?: unknown) => void;

/** What `req.session` has beyond `session` of `hipflask`: the names that Express code and its packages call. */
export interface RequestSessionMethods<Data = SessionData> {
  /** The public name of a session in a store, which is worth nothing as a cookie; undefined in cookie mode. */
  readonly id: string | undefined;
  /** How long the browser keeps the cookie. */
  readonly cookie: SessionCookie;
  /**
   * With a callback, as Express code means it: this session ends, `req.session` is a new one when the callback is
   * called, and the old object still shows the old data. Without, it is `session.regenerate` of `hipflask`, done at
   * once.
   */
  readonly regenerate: {
    (options?: Parameters<SessionMethods<Data>["regenerate"]>[0]): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /** Ends the session at once; what is awaited or called back is the store. */
  readonly destroy: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /**
   * Makes what changed so far durable now. Never needed before an answer, which waits for it anyway. In cookie mode
   * there is nothing to do: the cookie is written with the headers.
   *
   * @throws SessionLostError if the session ended meanwhile; StoreError
   */
  readonly save: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /**
   * Reads the session again and drops what was not saved.
   *
   * @throws SessionLostError if there is none any more; StoreError
   */
  readonly reload: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
  /** Counts as activity, which extends a session; every request does that by itself. */
  readonly touch: {
    (): Promise<void>;
    (callback: SessionCallback): RequestSession<Data>;
  };
}

/** `req.session` in Express: the session, with what Express code calls on one. */
export type RequestSession<Data = SessionData> = RequestSessionMethods<Data> & Session<Data>;

const OLD = "This is the session as it was before `regenerate`; the new one is `req.session`.";

/** What `req.session` has beyond every session; `flash` can be data, as connect-flash keeps it. */
const METHODS: ReadonlySet<string> = new Set<keyof RequestSessionMethods>([
  "id",
  "cookie",
  "regenerate",
  "destroy",
  "save",
  "reload",
  "touch",
]);

/** What one request has under `req.session`. */
export class RequestSessionSlot {
  readonly context: RequestContext;
  readonly config: CookieConfig;
  readonly #onError: ((error: unknown) => void) | undefined;
  #session: RequestSession | null | undefined;

  /** @param onError for a socket: called with what could not be saved, since there is no response to show it */
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

  /** Null ends the session, and an object replaces the data of one without an owner, as with cookie-session. */
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

  /** @returns the session where there is a callback, a promise where there is none */
  #call(step: () => Promise<void> | void, session: unknown, callback?: SessionCallback): unknown {
    if (typeof callback !== "function") {
      const done = Promise.resolve(step());
      // A caller that does not wait sees it in the response, which tries again.
      done.catch((error: unknown) => this.#onError?.(error));
      return done;
    }
    // What a callback throws is its own error and none of the session's.
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
