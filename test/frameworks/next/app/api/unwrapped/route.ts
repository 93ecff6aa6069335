import { session, withSession } from "@/lib/session";

const visit = withSession(async () => {
  const visitor = await session();
  visitor.visits = (visitor.visits ?? 0) + 1;
});

/** Writes where nothing saves, then calls what does. */
export async function POST(): Promise<Response> {
  const before = await session();
  try {
    before.username = "lost";
    return new Response("accepted");
  } catch (error) {
    await visit();
    return Response.json({ error: String(error), before, now: await session() });
  }
}
