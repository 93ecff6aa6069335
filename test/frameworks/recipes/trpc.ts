import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { session, type SessionOptions } from "hipflask";
import { sessions as fetchSessions } from "hipflask/fetch";
import { sessions as nodeSessions } from "hipflask/node";

const t = initTRPC.create();

const loggedIn = t.procedure.use(({ next }) => {
  if (!("username" in session)) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next();
});

export const appRouter = t.router({
  hello: t.procedure.query(() => `hello, ${session.username ?? "stranger"}`),
  login: t.procedure.input(String).mutation(({ input }) => {
    session.regenerate();
    session.username = input;
    return "login success";
  }),
  pay: loggedIn.mutation(() => {
    session.attempts = (session.attempts ?? 0) + 1;
    throw new TRPCError({ code: "PAYMENT_REQUIRED", message: `attempt ${session.attempts}: no money` });
  }),
});

export type AppRouter = typeof appRouter;

/** For `Bun.serve({ fetch })`, `Deno.serve(fetch)`, a route handler. */
export const createFetch = (options: SessionOptions) =>
  fetchSessions(options)((req) => fetchRequestHandler({ endpoint: "/", router: appRouter, req }));

/** For `createServer(handler)` of `node:http`, in place of tRPC's own `createHTTPServer`. */
export const createHandler = (options: SessionOptions) =>
  nodeSessions(options)(createHTTPHandler({ router: appRouter }));
