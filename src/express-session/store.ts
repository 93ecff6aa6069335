import { EventEmitter } from "node:events";
import { shareClass } from "../copies.ts";
import { Cookie } from "./cookie.ts";
import type { SessionCallback, SessionStore } from "./session-store.ts";
import { Session, type RequestOfSession, type SessionData } from "./session.ts";

declare abstract class AbstractStore extends EventEmitter implements SessionStore {
  /** Reads the session of an id. */
  abstract get(id: string, callback: (error: any, session?: SessionData | null) => void): void;
  /** Stores a session. */
  abstract set(id: string, session: SessionData, callback?: SessionCallback): void;
  /** Ends a session. */
  abstract destroy(id: string, callback?: SessionCallback): void;
  /** Reads all sessions. */
  all?(callback: (error: any, sessions?: SessionData[] | Record<string, SessionData> | null) => void): void;
  /** Counts the sessions. */
  length?(callback: (error: any, length?: number) => void): void;
  /** Ends all sessions. */
  clear?(callback?: SessionCallback): void;
  /** Restarts the lifetime of a session. */
  touch?(id: string, session: SessionData, callback?: SessionCallback): void;
  /** Sets an empty session on a request. The middleware assigns it. */
  generate: (req: RequestOfSession) => void;
  /** Ends the session of a request and replaces it by an empty one. */
  regenerate(req: RequestOfSession, callback: SessionCallback): void;
  /** Reads the session of an id as a `Session`, without a request. */
  load(id: string, callback: (error?: any, session?: Session & SessionData) => void): void;
  /** Creates a `Session` from stored data and sets it on a request. */
  createSession(req: RequestOfSession, session: SessionData): Session & SessionData;
}

/** A store of express-session. */
export type Store = AbstractStore;

/**
 * The base class of stores: emits "connect" and "disconnect", and converts records to sessions. A subclass has `get`, `set`
 * and `destroy`, and preferably `touch`.
 *
 * Between "disconnect" and "connect", requests are handled without sessions.
 */
export const Store = function Store(this: EventEmitter): void {
  // A plain function, since stores without `class` call it on their own object.
  Reflect.apply(EventEmitter, this, []);
} as unknown as typeof AbstractStore;

Object.setPrototypeOf(Store, EventEmitter);
Object.setPrototypeOf(Store.prototype, EventEmitter.prototype);
shareClass("express-session Store", Store);

Store.prototype.regenerate = function regenerate(req, callback) {
  this.destroy(req.sessionID!, (error: unknown) => {
    this.generate(req);
    callback(error);
  });
};

Store.prototype.load = function load(id, callback) {
  this.get(id, (error, data) => {
    if (error) return callback(error);
    if (!data) return callback();
    callback(null, this.createSession({ sessionID: id, sessionStore: this }, data));
  });
};

Store.prototype.createSession = function createSession(req, data) {
  // A record without a cookie throws here, with express-session's message.
  const expires: unknown = data.cookie.expires;
  const { originalMaxAge } = data.cookie;
  const cookie = new Cookie(data.cookie);
  if (typeof expires === "string") cookie.expires = new Date(expires);
  cookie.originalMaxAge = originalMaxAge;
  data.cookie = cookie;
  const session = new Session(req, data) as Session & SessionData;
  req.session = session;
  return session;
};
