import type { Session, SessionData } from "./session.ts";
import type { Store } from "./store.ts";

// With `@types/express-session`, which packages around it bring along, the properties of requests have the types that are
// declared there: of two declarations that differ, one is an error. Without it the names below are unknown, which is `any`.

/** @ts-ignore -- may not be installed */
// oxlint-disable-next-line typescript/consistent-type-imports, typescript/ban-ts-comment
type Theirs = import("express-session").Session & Partial<import("express-session").SessionData>;
/** @ts-ignore -- may not be installed */
type TheirStore = Express.SessionStore;

/** In a list, since a condition about a name that is unknown is unknown itself. */
type IsAny<Type> = [unknown] extends [Type] ? true : false;

/** What `req.session` is. */
export type SessionOfRequest = IsAny<Theirs> extends true ? Session & Partial<SessionData> : Theirs;

/** What `req.sessionStore` is. */
export type StoreOfRequest = IsAny<TheirStore> extends true ? Store : TheirStore;

/** What is declared of the data here is known there as well. */
interface OwnData extends Omit<SessionData, "cookie"> {}

/** @ts-ignore -- may not be installed */
declare module "express-session" {
  interface SessionData extends OwnData {}
}
