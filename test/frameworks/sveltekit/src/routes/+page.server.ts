import { redirect } from "@sveltejs/kit";
import { session } from "hipflask";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = () => ({
  username: session.username ?? "stranger",
  messages: session.getFlashedMessages(),
});

export const actions: Actions = {
  login: async ({ request }) => {
    const form = await request.formData();
    session.regenerate();
    session.username = String(form.get("username"));
    redirect(303, "/");
  },
  logout: () => session.destroy(),
};
