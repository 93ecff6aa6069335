import { session } from "hipflask";
import { withSession } from "@/lib/session";

export const POST = withSession(async (request: Request) => {
  session.visits = (session.visits ?? 0) + 1;
  return Response.json({ visits: session.visits, from: new URL(request.url).pathname });
});
