import { EventEmitter } from "node:events";
import { shareClass } from "../copies.ts";
import { Cookie } from "./cookie.ts";
import type { SessionCallback, SessionStore } from "./session-store.ts";
import { Session, type RequestOfSession, type SessionData } from "./session.ts";

declare abstract class AbstractStore extends EventEmitter implements SessionStore {
  /** Gives the session of an id, or none. */
  abstract get(id: string, callback: (error: any, session?: SessionData | null) => void): void;
  /** Keeps a session, new or not. */
  abstract set(id: string, session: SessionData, callback?: SessionCallback): void;
  /** Ends a session. */
  abstract destroy(id: string, callback?: SessionCallback): void;
  /** Gives all sessions. */
  all?(callback: (error: any, sessions?: SessionData[] | Record<string, SessionData> | null) => void): void;
  /** Gives the number of sessions. */
  length?(callback: (error: any, length?: number) => void): void;
  /** Ends all sessions. */
  clear?(callback?: SessionCallback): void;
  /** Starts the time of a session again. */
  touch?(id: string, session: SessionData, callback?: SessionCallback): void;
  /** Puts an empty session on a request. The middleware that uses this store sets it. */
  generate: (req: RequestOfSession) => void;
  /** Ends the session of a request and puts an empty one in its place. */
  regenerate(req: RequestOfSession, callback: SessionCallback): void;
  /** Gives the session of an id as a `Session`, without a request. */
  load(id: string, callback: (error?: any, session?: Session & SessionData) => void): void;
  /** Makes a `Session` of stored data and puts it on a request. */
  createSession(req: RequestOfSession, session: SessionData): Session & SessionData;
}

/** A store of express-session. */
export type Store = AbstractStore;

/**
 * What stores extend: the emitter of "connect" and "disconnect", and what turns records into sessions. A subclass has
 * `get`, `set` and `destroy`, and better `touch` too.
 *
 * Between "disconnect" and "connect" requests are handled as if there were no sessions.
 */
export const Store = function Store(this: EventEmitter): void {
  // A plain function, since stores written before classes call it on their own object.
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
  // A record without a cookie throws here, with the message that people know.
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
