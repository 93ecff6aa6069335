import cookieSession from "cookie-session";
import { answer, type Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter } from "../workloads.ts";

/** cookie-session, called as connect middleware. */
const middleware = cookieSession({ name: "session", keys: ["a secret of the benchmark"] }) as unknown as (
  request: unknown,
  response: unknown,
  next: () => void,
) => void;

type Data = Record<string, unknown>;

const withSession =
  (handle: (request: { session: Data }) => string): Handler =>
  (req, res) =>
    middleware(req, res, () => answer(res, handle(req as unknown as { session: Data })));

const next = counter();

export const cells = peerCells({
  bare: (_, res) => answer(res, "ok"),
  login: (data) =>
    withSession((req) => {
      Object.assign(req.session, data);
      return "ok";
    }),
  open: withSession(() => "ok"),
  read: withSession((req) => req.session.username as string),
  save: withSession((req) => {
    req.session.visits = next();
    return req.session.username as string;
  }),
});
