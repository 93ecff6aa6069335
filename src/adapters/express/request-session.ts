import { SessionClosedError } from "../../errors.ts";
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
import type { SessionLayer, SessionPlace } from "../parts/session-place.ts";
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

/**
 * Creates what `req.session` has beyond the session.
 *
 * @param onError for sockets, which have no response: called with the error of a save
 */
export function requestSessionLayer(config: CookieConfig, onError?: (error: unknown) => void): SessionLayer {
  return {
    create: (place) => requestSession(place, config, onError),
    isTaken: (name) => METHODS.has(name),
    // No response would end it, and nothing is left to call `save` on.
    onEnd: onError && ((context) => void context.commit().catch(onError)),
  };
}

function requestSession(
  place: SessionPlace,
  config: CookieConfig,
  onError?: (error: unknown) => void,
): RequestSession {
  const { context } = place;
  const base: Base = { session: context.session };
  const state = stateOf(base.session);
  /** @returns the session with a callback, otherwise a promise */
  const run = (step: () => Promise<void> | void, callback?: SessionCallback): unknown => {
    if (typeof callback !== "function") {
      const done = Promise.resolve(step());
      // If the caller does not wait, the response tries again and reports the error.
      done.catch((error: unknown) => onError?.(error));
      return done;
    }
    // An error thrown by a callback is not an error of the session.
    const { callbackify } = process.getBuiltinModule("node:util");
    callbackify(async () => step())((error) => callback(error ?? undefined));
    return layer;
  };
  const call = (step: () => Promise<void> | void) => (callback?: SessionCallback) => run(step, callback);
  const endAndBegin = call(() => {
    const old = snapshotOf(state);
    state.destroy();
    base.session = old;
    place.renew();
  });
  const touch = (): Promise<void> | void => {
    if (onError !== undefined) return context.commit();
    if (state.size > 0) state.touch();
  };
  const layer = layered(base, {
    get id() {
      return stateOf(context.session).selector;
    },
    get flash() {
      return flashMessages(base.session, base.session.flash);
    },
    set flash(messages: unknown) {
      setFlashMessages(base.session, messages);
    },
    cookie: new SessionCookie(state, config),
    regenerate: (given?: SessionCallback | { keep?: readonly string[] | true }) =>
      typeof given === "function" ? endAndBegin(given) : run(() => regenerate(state, given)),
    destroy: call(() => (state.destroy(), context.commit())),
    save: call(() => context.commit()),
    reload: call(() => context.reload()),
    touch: call(touch),
  }) as unknown as RequestSession;
  return layer;
}

function snapshotOf(state: SessionState): Session {
  const fields = new Map(state.fields());
  const copy = new SessionState({ open: () => ({ fields }), json: state.json });
  copy.close(() => new SessionClosedError(OLD));
  return sessionOf(copy);
}
