import type { RequestHandler } from "express";
import type { ServerResponse } from "node:http";
import { finished } from "node:stream";
import "../adapters/express/express-request.ts";
import { logError } from "../adapters/parts/error-page.ts";
import { wrongFramework } from "../adapters/parts/wrong-framework.ts";
import { HeldResponse } from "../adapters/parts/held-response.ts";
import { Cookie, type CookieData, type CookieOptions } from "./cookie.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
import { resolveOptions, type SessionOptions } from "./options.ts";
import { cookieOptionsOf, pathOf, signatureOf } from "./request-facts.ts";
import { generateFor, TrackedSession } from "./tracked-session.ts";
import type { SessionCallback, SessionStore } from "./session-store.ts";
import { Session, type RequestOfSession, type SessionData, type SessionRequest } from "./session.ts";
import type { SessionOfRequest, StoreOfRequest } from "./request-types.ts";
import { Store } from "./store.ts";

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- @types/express extends requests here
  namespace Express {
    interface RequestSessions {
      "express-session": { session: SessionOfRequest; sessionID: string };
    }
    interface Request {
      /** The store of the session; set by `session` of `hipflask/express-session`. */
      sessionStore: StoreOfRequest;
    }
  }
}

type Next = (error?: unknown) => void;

/**
 * The middleware of express-session, with its options, defaults and semantics: `req.session`, `req.sessionID` and
 * `req.sessionStore`. It reads and writes the same cookies, and uses the same stores.
 *
 * Unlike express-session, it sends no header before the session is saved. If a save fails, or takes longer than
 * `storeTimeout`, the response is a plain error page, and `next(error)` is called after it.
 *
 * @throws TypeError for options that express-session refuses
 * @throws ConfigError for empty or invalid secrets
 * @example
 * ```ts
 * import express from "express";
 * import session from "hipflask/express-session";
 *
 * declare module "hipflask/express-session" {
 *   interface SessionData {
 *     views: number;
 *   }
 * }
 *
 * const app = express();
 * app.use(session({ secret: "keyboard cat", resave: false, saveUninitialized: false }));
 * app.get("/", (req, res) => {
 *   req.session.views = (req.session.views ?? 0) + 1;
 *   res.send(`${req.session.views} views\n`);
 * });
 * app.listen(3000);
 * ```
 */
export function session(options?: SessionOptions): RequestHandler {
  const config = resolveOptions(options ?? {});
  const { store } = config;
  if (typeof (store as { on?: unknown }).on !== "function") throw new TypeError(NO_STORE);
  let isReady = true;
  store.on("disconnect", () => (isReady = false));
  store.on("connect", () => (isReady = true));
  Object.assign(store, { generate: (req: SessionRequest) => generateFor(req, config) });

  const handle = (req: SessionRequest, res: ServerResponse, next: Next): void => {
    // Replies of Fastify have their request; Node's are in `raw`.
    const isFastify = (res as { request?: unknown } | undefined)?.request === req;
    if (typeof next !== "function" || req.headers === undefined || isFastify) {
      const error = wrongFramework("hipflask/express-session", "app.use(session({ … }))", req, res, next);
      if (typeof next !== "function") throw error;
      next(error);
      return;
    }
    if (req.session || !isReady || !pathOf(req).startsWith(cookieOptionsOf(req, config).path || "/")) {
      next();
      return;
    }
    const signature = config.signature ?? signatureOf(req);
    if (signature === undefined) {
      next(new Error("secret option required for sessions"));
      return;
    }
    const state = new TrackedSession(req, signature, config);
    state.open((error?: unknown) => {
      if (error) {
        next(error);
        return;
      }
      const held = new HeldResponse(res, (failure) => tell(res, next, failure));
      held.context = state;
      next();
    });
  };
  // A name for tools, and the parameters of every middleware.
  return Object.defineProperty(handle, "name", { value: "session" }) as unknown as RequestHandler;
}

/** For types such as `session.SessionData`, and for `require`: everything that the module exports. */
export declare namespace session {
  export type {
    CookieData,
    CookieOptions,
    MemoryStoreOptions,
    RequestOfSession,
    SessionCallback,
    SessionData,
    SessionOptions,
    SessionStore,
  };
}

session.Session = Session;
session.Store = Store;
session.Cookie = Cookie;
session.MemoryStore = MemoryStore;

/** Passes an error to the application after the response is sent, since its error handlers would interrupt the response. */
function tell(res: ServerResponse, next: Next, error: unknown): void {
  // A `next` without a parameter for an error would handle the request again.
  if (next.length === 0) return logError(error);
  const pass = (): void => {
    try {
      next(error);
    } catch (failure) {
      logError(failure);
    }
  };
  // The stub response of a WebSocket handshake emits no end.
  if (typeof res.on === "function") finished(res, pass);
  else setImmediate(pass);
}

const NO_STORE =
  "store must be a store of express-session, such as new RedisStore({ client }) of connect-redis. A store of hipflask goes " +
  "into `sessions` of hipflask/express: sessions({ store: redisStore(client) }).";
