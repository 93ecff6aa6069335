import { SessionManager, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/next";
import { storeFromUrl } from "hipflask/stores/from-url";

declare module "hipflask" {
  interface SessionData {
    userId: string;
  }
}

// SESSION_STORE=sqlite:sessions.db, redis://localhost, …; without it, sessions are in the cookie.
const { SECRET_KEY, SESSION_STORE } = process.env;
const store = SESSION_STORE ? await storeFromUrl(SESSION_STORE) : undefined;
const options: SessionOptions = {
  secretKey: SECRET_KEY,
  cookieSameSite: "Lax",
  cookieSecure: "auto",
  crossOriginProtection: true, // a form on another site cannot post here
  store,
  storeOptions: { device: ({ headers }) => (headers.get("User-Agent") ?? "").slice(0, 200) },
};

/** Lists and ends the sessions of a user, which needs a store. */
export const manager = store && new SessionManager(options);
export const { session, withSession, proxy } = sessions(manager ?? options);
