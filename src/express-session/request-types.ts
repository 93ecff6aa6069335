import type { Session, SessionData } from "./session.ts";
import type { Store } from "./store.ts";

// With `@types/express-session`, a dependency of related packages, the properties of requests have its types, since
// differing declarations are an error. Without it, the names below are unresolved, which is `any`.

/** @ts-ignore -- may not be installed */
// oxlint-disable-next-line typescript/consistent-type-imports, typescript/ban-ts-comment
type Theirs = import("express-session").Session & Partial<import("express-session").SessionData>;
/** @ts-ignore -- may not be installed */
type TheirStore = Express.SessionStore;

/** In a tuple, since a conditional type of an unresolved name is unresolved itself. */
type IsAny<Type> = [unknown] extends [Type] ? true : false;

/** The type of `req.session`. */
export type SessionOfRequest = IsAny<Theirs> extends true ? Session & Partial<SessionData> : Theirs;

/** The type of `req.sessionStore`. */
export type StoreOfRequest = IsAny<TheirStore> extends true ? Store : TheirStore;

/** Makes declarations of `SessionData` known there as well. */
interface OwnData extends Omit<SessionData, "cookie"> {}

/** @ts-ignore -- may not be installed */
declare module "express-session" {
  interface SessionData extends OwnData {}
}
