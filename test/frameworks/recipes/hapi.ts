import Hapi from "@hapi/hapi";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/node";

export function createApp(options: SessionOptions, settings: Hapi.ServerOptions = {}) {
  const server = Hapi.server(settings);
  const withSession = sessions(options);
  const { listener } = server;
  for (const handle of listener.listeners("request") as Parameters<typeof withSession>[0][]) {
    listener.off("request", handle);
    listener.on("request", withSession(handle));
  }
  server.route({ method: "GET", path: "/", handler: () => `hello, ${session.username ?? "stranger"}\n` });
  server.route<{ Payload: { username: string } }>({
    method: "POST",
    path: "/login",
    handler: ({ payload }, h) => {
      session.regenerate();
      session.username = payload.username;
      return h.redirect("/").code(303);
    },
  });
  server.route({
    method: "POST",
    path: "/logout",
    handler: (_request, h) => {
      session.destroy();
      return h.redirect("/").code(303);
    },
  });
  return server;
}
