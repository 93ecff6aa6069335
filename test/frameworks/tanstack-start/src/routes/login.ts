import { createFileRoute } from "@tanstack/react-router";
import { session } from "hipflask";

export const Route = createFileRoute("/login")({
  server: {
    handlers: {
      POST: async ({ request }) => {
        const form = await request.formData();
        session.regenerate();
        session.username = String(form.get("username"));
        session.flash("Welcome");
        return new Response(null, { status: 303, headers: { Location: "/" } });
      },
    },
  },
});
