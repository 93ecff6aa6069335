import { session, withSession } from "@/lib/session";
import { POST as visit } from "../visits/route";

/** Calls another handler, and goes on writing after that. */
export const POST = withSession(async (request: Request) => {
  const first = await visit(request);
  const second = await visit(request);
  (await session()).username = "nested";
  return Response.json([await first.json(), await second.json()]);
});
