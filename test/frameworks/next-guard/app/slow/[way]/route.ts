import { forbidden, notFound, redirect } from "next/navigation";
import { NextResponse } from "next/server";
import { slow } from "@/lib/slow";

/** The ways in which a route handler answers. */
const ways: Record<string, () => Response> = {
  send: () => new Response("success", { headers: { ETag: "success" } }),
  json: () => NextResponse.json({ success: true }),
  redirect: () => redirect("/success"),
  "own-redirect": () => Response.redirect("http://localhost/success"),
  missing: () => notFound(),
  forbidden: () => forbidden(),
  stream: () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("success"));
          controller.close();
        },
      }),
    ),
};

export const GET = slow.withSession(async (_: Request, { params }: { params: Promise<{ way: string }> }) => {
  (await slow.session()).seen = true;
  return ways[(await params).way]!();
});
