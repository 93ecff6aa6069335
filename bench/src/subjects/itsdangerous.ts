import { KeyDerivation, URLSafeTimedSerializer } from "itsdangerous.js";
import { answer, type Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter } from "../workloads.ts";

type Data = Record<string, unknown>;

/** Signed as Flask signs, though without its tags: the format this port can write. */
const serializer = new URLSafeTimedSerializer({
  secretKey: "a secret of the benchmark",
  salt: "cookie-session",
  signerOpts: { keyDerivation: KeyDerivation.Hmac },
});

const read = (cookie: string | undefined) =>
  serializer.parse(cookie!.slice("session=".length), undefined, 31 * 24 * 3600) as Data;
const cookieOf = (data: Data) => `session=${serializer.stringify(data).toString()}; HttpOnly; Path=/`;

const next = counter();

/** itsdangerous.js called by hand on `node:http`, the session being whatever it loads. */
export const cells = peerCells({
  bare: (_, res) => answer(res, "ok"),
  login:
    (data): Handler =>
    (_, res) => {
      res.setHeader("Set-Cookie", cookieOf({ ...data }));
      answer(res, "ok");
    },
  read: (req, res) => answer(res, read(req.headers.cookie).username as string),
  save: (req, res) => {
    const data = read(req.headers.cookie);
    data.visits = next();
    res.setHeader("Set-Cookie", cookieOf(data));
    answer(res, data.username as string);
  },
});
