import { getIronSession } from "iron-session";
import { answer, type Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter, type Payload } from "../workloads.ts";

const options = { cookieName: "session", password: "a secret of the benchmark, 32 characters" };

type Session = Awaited<ReturnType<typeof getIronSession<Partial<Payload & { visits: number }>>>>;

const withSession =
  (handle: (session: Session) => string | Promise<string>): Handler =>
  async (req, res) => {
    const session = await getIronSession<Partial<Payload>>(req, res, options);
    answer(res, await handle(session));
  };

const next = counter();

/** iron-session on `node:http`. Its session has to be asked for, so there is nothing to measure of one that is not used. */
export const cells = peerCells({
  bare: (_, res) => answer(res, "ok"),
  login: (data) =>
    withSession(async (session) => {
      Object.assign(session, data);
      await session.save();
      return "ok";
    }),
  read: withSession((session) => session.username!),
  save: withSession(async (session) => {
    Object.assign(session, { visits: next() });
    await session.save();
    return session.username!;
  }),
});
