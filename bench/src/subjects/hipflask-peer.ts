import { flaskCodec, session } from "../../../dist/index.js";
import { sessions } from "../../../dist/adapters/node.js";
import { answer } from "../dispatch.ts";
import type { Peer } from "../peer.ts";
import { counter } from "../workloads.ts";

/** hipflask on `node:http`, with all defaults. */
export function hipflask({ cache }: { cache?: false } = {}): Peer {
  const secretKey = "a secret of the benchmark";
  const codec = cache === false ? flaskCodec({ secretKey, cache }) : undefined;
  const withSession = sessions({ secretKey, codec });
  const next = counter();
  return {
    bare: (_, res) => answer(res, "ok"),
    login: (data) =>
      withSession((_, res) => {
        session.update({ ...data });
        answer(res, "ok");
      }),
    open: withSession((_, res) => answer(res, "ok")),
    read: withSession((_, res) => answer(res, session.username)),
    save: withSession((_, res) => {
      const { username } = session;
      session.visits = next();
      answer(res, username);
    }),
  };
}
