import { cookies } from "next/headers";
import { session, withSession } from "@/lib/session";

/** A response of the handler's own, beside cookies set Next's way and its own way. */
export const GET = withSession(async () => {
  const visitor = await session();
  visitor.username = "plain";
  (await cookies()).set("theme", "dark");
  const headers = { "Set-Cookie": "lang=en; Path=/", Vary: "Accept", "Cache-Control": "public, max-age=9" };
  return new Response(String(visitor === (await session())), { headers });
});
