import type { IncomingMessage, ServerResponse } from "node:http";
import { createCookieSessionStorage, type Session } from "react-router";
import { answer, type Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter } from "../workloads.ts";

const { getSession, commitSession } = createCookieSessionStorage({
  cookie: { name: "session", secrets: ["a secret of the benchmark"], path: "/", httpOnly: true },
});

const withSession =
  (handle: (session: Session, response: ServerResponse) => string | Promise<string>): Handler =>
  async (req: IncomingMessage, res) =>
    answer(res, await handle(await getSession(req.headers.cookie), res));

const next = counter();

/** React Router's cookie session storage on `node:http`; its session has to be asked for. */
export const cells = peerCells({
  bare: (_, res) => answer(res, "ok"),
  login: (data) =>
    withSession(async (session, res) => {
      for (const [key, value] of Object.entries(data)) session.set(key, value);
      res.setHeader("Set-Cookie", await commitSession(session));
      return "ok";
    }),
  read: withSession((session) => session.get("username") as string),
  save: withSession(async (session, res) => {
    session.set("visits", next());
    res.setHeader("Set-Cookie", await commitSession(session));
    return session.get("username") as string;
  }),
});
