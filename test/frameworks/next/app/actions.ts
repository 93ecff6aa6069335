"use server";

import { redirect } from "next/navigation";
import { session, withSession } from "@/lib/session";

export const login = withSession(async (form: FormData) => {
  const visitor = await session();
  visitor.regenerate();
  visitor.username = String(form.get("username"));
  visitor.permanent = form.has("remember");
  redirect("/");
});

export const logout = withSession(async () => {
  (await session()).destroy();
});
