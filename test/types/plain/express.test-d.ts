// Checked, never run: `req.session` in Express, and the session of a socket.
import type { Request } from "express";
import type { IncomingMessage } from "node:http";
import type { Session } from "hipflask";
import type { RequestSession } from "hipflask/express";
import { sessions, type SocketSession } from "hipflask/socket";

export function inExpress(req: Request): Session {
  const done: Promise<void>[] = [
    req.session.regenerate(),
    req.session.regenerate({ keep: ["cart"] }),
    req.session.destroy(),
    req.session.save(),
    req.session.reload(),
    req.session.touch(),
  ];
  const same: RequestSession = req.session.save((error) => void [error, done]);
  req.session.regenerate((error?: unknown) => void error);
  req.session.destroy(() => {});
  req.session.username = "ada";
  req.session.cookie.maxAge = 60_000;
  req.session.cookie.expires = new Date();
  req.session.cookie.expires = false;
  const left: number | null = req.session.cookie.originalMaxAge;
  const ids: (string | undefined)[] = [req.sessionID, req.session.id];
  // @ts-expect-error -- the cookie of this response has no other settings of its own
  req.session.cookie.secure = true;
  // @ts-expect-error -- a method is not assigned to
  req.session.save = 1;
  void [same, left, ids];
  return req.session;
}

export async function inSocket(req: IncomingMessage): Promise<Session> {
  const sockets = sessions({ secretKey: "dev" }, { origins: ["https://app.example.com"] });
  const session: SocketSession = await sockets.fromRequest(req);
  const stop: () => void = session.onDestroyed(() => {});
  await session.reload();
  session.count = 1;
  await session.save();
  stop();
  return session;
}
