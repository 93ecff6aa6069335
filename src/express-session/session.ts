import { shareClass } from "../copies.ts";
import type { IncomingMessage } from "node:http";
import type { Cookie } from "./cookie.ts";
import type { SessionCallback, SessionStore } from "./session-store.ts";

/**
 * The type of your sessions' data. Empty except for the cookie; augment it:
 * `declare module "hipflask/express-session" { interface SessionData { user: string } }`.
 */
export interface SessionData {
  cookie: Cookie;
}

/** The properties of a request that the middleware sets and reads. */
export interface SessionRequest extends IncomingMessage {
  session?: (Session & Partial<SessionData>) | null | undefined;
  sessionID?: string | undefined;
  sessionStore?: SessionStore | undefined;
  originalUrl?: string | undefined;
  /** Whether the connection uses HTTPS, by Express. */
  secure?: boolean | undefined;
  /** cookie-parser sets these three. */
  secret?: string | undefined;
  cookies?: Record<string, string | undefined> | undefined;
  signedCookies?: Record<string, string | false | undefined> | undefined;
}

/** The parts of a request that a session needs. */
export type RequestOfSession = Pick<SessionRequest, "session" | "sessionID" | "sessionStore">;

/**
 * A session like express-session's: an object with your data and a `cookie`. `req.session` is the request's.
 *
 * @example
 * ```ts
 * import express from "express";
 * import session from "hipflask/express-session";
 *
 * const app = express();
 * app.use(session({ secret: "keyboard cat", resave: false, saveUninitialized: false }));
 * app.post("/logout", (req, res, next) => {
 *   req.session.destroy((error) => (error ? next(error) : res.redirect("/")));
 * });
 * ```
 */
export class Session {
  /** The session's id; the cookie contains it, signed. */
  declare readonly id: string;
  /** How long the session lives, and how its cookie is set. */
  declare cookie: Cookie;

  /** @param data from a store; names of methods are omitted, as in express-session */
  constructor(req: RequestOfSession, data?: object | null) {
    Object.defineProperty(this, "req", { value: req });
    Object.defineProperty(this, "id", { value: req.sessionID });
    if (typeof data !== "object" || data === null) return;
    for (const key in data) if (!(key in this)) Reflect.set(this, key, Reflect.get(data, key));
  }

  /** Restarts the session's lifetime. The middleware does so for every request. */
  touch(): this {
    return this.resetMaxAge();
  }

  /** Sets the cookie's `maxAge` to its `originalMaxAge`. */
  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  /** Saves now. The middleware saves before a response is sent, so this is only needed for other readers. */
  save(callback: SessionCallback = ignore): this {
    reqOf(this).sessionStore!.set(this.id, this, callback);
    return this;
  }

  /** Reads the session again; `req.session` becomes another object. */
  reload(callback: SessionCallback = ignore): this {
    const req = reqOf(this);
    req.sessionStore!.get(this.id, (error, data) => {
      if (error) return callback(error);
      if (!data) return callback(new Error("failed to load session"));
      req.sessionStore!.createSession(req, data);
      callback();
    });
    return this;
  }

  /** Ends the session; `req.session` is removed at once. */
  destroy(callback: SessionCallback = ignore): this {
    delete reqOf(this).session;
    reqOf(this).sessionStore!.destroy(this.id, callback);
    return this;
  }

  /** Ends the session and sets `req.session` to an empty one with a new id. Call it at each login. */
  regenerate(callback: SessionCallback = ignore): this {
    reqOf(this).sessionStore!.regenerate!(reqOf(this), callback);
    return this;
  }
}

shareClass("express-session Session", Session);

function ignore(): void {}

/** Not declared in the class: a protected member would make sessions of `@types/express-session` another type. */
function reqOf(session: Session): RequestOfSession {
  return (session as unknown as { readonly req: RequestOfSession }).req;
}

/** A snapshot of a session: another JSON text or another id is a change. The cookie is ignored. */
export interface Version {
  readonly id: string;
  readonly text: string;
}

/** @throws TypeError for data that cannot be written as JSON */
export function versionOf(session: Session): Version {
  const { cookie: _, ...data } = session;
  return { id: session.id, text: JSON.stringify(data) };
}

export function isSame(a: Version, b: Version | undefined): boolean {
  return a.id === b?.id && a.text === b.text;
}
