import { Elysia, t, type ElysiaConfig } from "elysia";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/fetch";

export function createApp(options: SessionOptions, config: ElysiaConfig<""> = {}) {
  const withSession = sessions(options);
  return new Elysia(config)
    .wrap((handle) => withSession(handle as never))
    .get("/", () => `hello, ${session.username ?? "stranger"}\n`)
    .post(
      "/login",
      ({ body }) => {
        session.regenerate();
        session.username = body.username;
        return new Response(null, { status: 303, headers: { Location: "/" } });
      },
      { body: t.Object({ username: t.String() }) },
    )
    .post("/logout", () => {
      session.destroy();
      return new Response(null, { status: 303, headers: { Location: "/" } });
    })
    .guard({ beforeHandle: ({ status }) => ("username" in session ? undefined : status(403)) })
    .post("/pay", ({ status }) => {
      session.attempts = (session.attempts ?? 0) + 1;
      throw status(402, `attempt ${session.attempts}: no money`);
    });
}
