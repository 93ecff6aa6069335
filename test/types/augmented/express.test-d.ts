// Checked, never run: declared data in `req.session` and in the session of a socket.
import type { Request } from "express";
import type { RequestSession } from "hipflask/express";
import type { SocketSession } from "hipflask/socket";

export function inExpress({ session }: Request): string | undefined {
  session.username = "ada";
  // @ts-expect-error -- not declared
  session.user = "ada";
  // @ts-expect-error -- of another type
  session.username = 7;
  void session.regenerate({ keep: ["cart"] });
  // @ts-expect-error -- not a key
  void session.regenerate({ keep: ["card"] });
  session.save((error) => void error);
  const same: RequestSession = session;
  return same.username;
}

export function inSocket(session: SocketSession): string | undefined {
  // @ts-expect-error -- not declared
  session.user = "ada";
  return session.username;
}
