"use server";

import { redirect } from "next/navigation";
import { manager, session, withSession } from "@/lib/session";
import { checkPassword } from "@/lib/users";

export const login = withSession(async (form: FormData) => {
  const next = String(form.get("next"));
  const userId = await checkPassword(form.get("username"), form.get("password"));
  if (userId === undefined) redirect(`/login?failed=1&next=${encodeURIComponent(next)}`);
  const visitor = await session();
  if (manager) visitor.owner = userId; // a new session, listed under its owner
  else visitor.regenerate(); // a new session
  visitor.userId = userId;
  visitor.permanent = form.has("remember");
  // A path of this site; everything else, above all URLs of other sites, becomes the start page.
  redirect(/^\/\w/.test(next) ? next : "/");
});

export const logout = withSession(async () => {
  (await session()).destroy();
  redirect("/");
});

export const logoutDevice = withSession(async (form: FormData) => {
  const own = (await manager?.list((await session()).owner ?? "")) ?? [];
  // A selector is not a secret: check that the session belongs to this user.
  const device = own.find(({ selector }) => selector === form.get("selector"));
  if (device) await manager?.destroy(device.selector);
  redirect("/devices");
});

export const logoutEverywhere = withSession(async () => {
  await manager?.destroyAll((await session()).owner ?? "");
  redirect("/");
});
