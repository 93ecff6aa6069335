import { session } from "hipflask";
import type { PageServerLoad } from "./$types";

/** Asks an endpoint of the same app, twice, while it writes to the session itself. */
export const load: PageServerLoad = async ({ fetch }) => {
  session.username = "summarised";
  await fetch("/visits", { method: "POST" });
  const { visits } = (await (await fetch("/visits", { method: "POST" })).json()) as { visits: number };
  const stranger = (await (await fetch("/visits", { method: "POST", credentials: "omit" })).json()) as {
    visits: number;
  };
  return { summary: `visits ${visits}, here ${session.visits}, a stranger's ${stranger.visits}` };
};
