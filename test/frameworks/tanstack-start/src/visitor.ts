import { createServerFn } from "@tanstack/react-start";
import { session } from "hipflask";

export const getVisitor = createServerFn().handler(() => ({
  username: session.username ?? "stranger",
  messages: session.getFlashedMessages() as string[],
}));

export const countVisit = createServerFn({ method: "POST" }).handler(() => {
  session.visits = (session.visits ?? 0) + 1;
  return session.visits;
});
