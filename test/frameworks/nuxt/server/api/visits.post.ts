import { getSession } from "hipflask";

export default defineEventHandler((event) => {
  const { session } = event.context;
  session.visits = (session.visits ?? 0) + 1;
  return { visits: session.visits, same: getSession(event).visits };
});
