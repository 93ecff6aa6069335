import { flaskCodec, session } from "../../../dist/index.js";
import { sessions } from "../../../dist/adapters/node.js";
import { answer } from "../dispatch.ts";
import type { Peer } from "../peer.ts";
import { counter } from "../workloads.ts";

/** hipflask on `node:http`, with all defaults. */
export function hipflask({ cache }: { cache?: false } = {}): Peer {
  const secretKey = "a secret of the benchmark";
  const manager = () =>
    sessions(cache === false ? { codec: flaskCodec({ secretKey, cache }), secretKey } : { secretKey });
  const withSession = manager();
  // Each save makes a new cookie, and in a run there are more than all visitors of a day have. They would displace the
  // few that the other workloads take for known.
  const savingSession = manager();
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
    save: savingSession((_, res) => {
      const { username } = session;
      session.visits = next();
      answer(res, username);
    }),
  };
}
