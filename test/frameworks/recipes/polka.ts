import polka from "polka";
import { text } from "node:stream/consumers";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/express";

export function createApp(options: SessionOptions) {
  return polka()
    .use(sessions(options))
    .get("/", (req, res) => {
      res.end(`hello, ${session.username ?? "stranger"}\n`);
    })
    .post("/login", async (req, res) => {
      const form = new URLSearchParams(await text(req));
      session.regenerate();
      session.username = form.get("username") ?? "stranger";
      res.writeHead(303, { Location: "/" }).end();
    })
    .post("/logout", (req, res) => {
      session.destroy();
      res.writeHead(303, { Location: "/" }).end();
    });
}
