// Checked, never run: what code written with @types/express-session in mind becomes. A program of its own, since in one
// that knows of `hipflask/express` too `req.session` is both sessions at once.
import express, { type Request } from "express";
import type { EventEmitter } from "node:events";
// oxlint-disable-next-line import/no-named-as-default -- what express-session is called as well
import session, { Cookie, MemoryStore, Session, Store, type SessionData } from "hipflask/express-session";

declare module "hipflask/express-session" {
  interface SessionData {
    user: string;
    cart: { sku: string }[];
  }
}

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(answer: Same<A, B>): void;

const app = express();
app.use(
  session({
    secret: ["new", Buffer.from("old")],
    store: new MemoryStore(),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    name: "sid",
    proxy: true,
    unset: "destroy",
    genid: (req) => req.path,
    cookie: { maxAge: 60_000, secure: "auto", sameSite: "lax", priority: "high", partitioned: true },
  }),
);
session({ secret: "keyboard cat", cookie: (req) => ({ path: req.baseUrl, sameSite: "auto" }) });
session();
// @ts-expect-error -- neither of the two
session({ secret: "keyboard cat", unset: "delete" });
// @ts-expect-error -- not a function
session({ secret: "keyboard cat", genid: "id" });

app.get("/", (req, res, next) => {
  same<Request["session"], Session & Partial<SessionData>>(true);
  same<typeof req.session.user, string | undefined>(true);
  req.session.user = "ada";
  req.session.cart ??= [];
  req.session.cart.push({ sku: "tea" });
  delete req.session.user;
  // @ts-expect-error -- of another type
  req.session.user = 7;
  // @ts-expect-error -- not declared
  req.session.username = "ada";

  const id: string = req.session.id;
  const sameId: string = req.sessionID;
  req.session.cookie.maxAge = 5000;
  req.session.cookie.expires = null;
  const left: number | undefined = req.session.cookie.maxAge;
  const original: number | null = req.session.cookie.originalMaxAge;
  req.session.regenerate((err) => (err ? next(err) : req.session.save((error) => next(error))));
  req.session.reload((err) => err && next(err));
  req.session.destroy(() => res.redirect("/"));
  req.session.touch().resetMaxAge().save();
  req.sessionStore.get(id, (err, found) => next(err ?? found?.user));
  req.sessionStore.generate(req);
  return [sameId, left, original];
});

class MyStore extends Store {
  get(id: string, callback: (err: unknown, found?: SessionData | null) => void): void {
    callback(null, id === "" ? null : { cookie: new Cookie(), user: "ada", cart: [] });
  }
  set(_id: string, _session: SessionData, callback?: (err?: unknown) => void): void {
    callback?.();
  }
  destroy(_id: string, callback?: (err?: unknown) => void): void {
    callback?.();
  }
}
const emitter: EventEmitter = new MyStore();
emitter.emit("disconnect");
session({ secret: "keyboard cat", store: new MyStore() });
// @ts-expect-error -- it cannot `set` or `destroy`
export class HalfAStore extends Store {
  get(): void {}
}

// The names as properties, as types too.
// oxlint-disable-next-line import/no-named-as-default-member -- that is what is tried here
export const own: session.MemoryStore = new session.MemoryStore();
export type Data = session.SessionData;
export type Options = session.SessionOptions;
same<typeof session.Store, typeof Store>(true);
same<typeof session.Cookie, typeof Cookie>(true);
same<typeof session.Session, typeof Session>(true);
