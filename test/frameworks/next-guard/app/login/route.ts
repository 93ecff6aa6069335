import { withSession, session } from "@/lib/session";

export const POST = withSession(async (request: Request) => {
  const form = await request.formData();
  (await session()).username = String(form.get("username"));
  (await session()).permanent = true;
  return new Response(null, { status: 204 });
});
