"use server";

import { redirect } from "next/navigation";
import { stored } from "@/lib/stored";

/** By hand: the page that is rendered with the answer already shows what was saved. */
export async function remember(form: FormData) {
  const visitor = await stored.session();
  visitor.owner = "7";
  visitor.username = String(form.get("username"));
  visitor.flash("remembered");
  await stored.save();
}

export const crash = stored.withSession(async () => {
  (await stored.session()).destroy();
  throw new Error("on purpose");
});

export const leave = stored.withSession(async () => {
  (await stored.session()).flash("left");
  redirect("/stored");
});
