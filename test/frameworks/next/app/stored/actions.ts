"use server";

import { redirect } from "next/navigation";
import { stored } from "@/lib/stored";

/** The page that is rendered with the answer already shows what was saved. */
export const remember = stored.withSession(async (form: FormData) => {
  const visitor = await stored.session();
  visitor.owner = "7";
  visitor.username = String(form.get("username"));
  visitor.flash("remembered");
});

export const crash = stored.withSession(async () => {
  (await stored.session()).destroy();
  throw new Error("on purpose");
});

export const leave = stored.withSession(async () => {
  (await stored.session()).flash("left");
  redirect("/stored");
});

/** Nothing saves here. */
export async function forget() {
  (await stored.session()).username = "forgotten";
  redirect("/stored");
}
