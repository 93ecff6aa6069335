import { json } from "@sveltejs/kit";
import { getSession } from "hipflask";
import type { RequestHandler } from "./$types";

export const POST: RequestHandler = (event) => {
  const session = getSession(event);
  session.visits = (session.visits ?? 0) + 1;
  return json({ visits: session.visits });
};
