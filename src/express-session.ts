/**
 * A drop-in for `require("express-session")`. Required, it is the middleware, with everything else as its properties.
 *
 * @module hipflask/express-session
 */
import { session } from "./express-session/middleware.ts";

export { Cookie } from "./express-session/cookie.ts";
export type { CookieData, CookieOptions } from "./express-session/cookie.ts";
export { MemoryStore } from "./express-session/memory-store.ts";
export type { MemoryStoreOptions } from "./express-session/memory-store.ts";
export type { SessionOptions } from "./express-session/options.ts";
export { Session } from "./express-session/session.ts";
export type { RequestOfSession, SessionData } from "./express-session/session.ts";
export { Store } from "./express-session/store.ts";
export type { SessionCallback, SessionStore } from "./express-session/session-store.ts";
export { session, session as default };
