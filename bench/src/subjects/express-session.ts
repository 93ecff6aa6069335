import expressSession from "express-session";
import { answer, type Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter } from "../workloads.ts";

/** express-session with its MemoryStore and the options its manual recommends, called as connect middleware. */
const middleware = expressSession({
  secret: "a secret of the benchmark",
  resave: false,
  saveUninitialized: false,
}) as unknown as (request: unknown, response: unknown, next: () => void) => void;

type WithSession = { session: Record<string, unknown> };

// It reads what Express has put on the request.
const withSession =
  (handle: (session: Record<string, unknown>) => string): Handler =>
  (req, res) => {
    Object.assign(req, { originalUrl: req.url });
    middleware(req, res, () => answer(res, handle((req as unknown as WithSession).session)));
  };

const next = counter();

export const cells = peerCells({
  bare: (_, res) => answer(res, "ok"),
  login: (data) =>
    withSession((session) => {
      Object.assign(session, data);
      return "ok";
    }),
  open: (req, res) => {
    Object.assign(req, { originalUrl: req.url });
    middleware(req, res, () => answer(res, "ok"));
  },
  read: withSession((session) => session.username as string),
  save: withSession((session) => {
    session.visits = next();
    return session.username as string;
  }),
});
