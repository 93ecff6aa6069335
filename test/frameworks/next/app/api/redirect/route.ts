import { redirect } from "next/navigation";
import { session, withSession } from "@/lib/session";

export const GET = withSession(async () => {
  (await session()).username = "redirected";
  redirect("/");
});
