import { createFileRoute } from "@tanstack/react-router";
import { session } from "hipflask";

export const Route = createFileRoute("/logout")({
  server: {
    handlers: {
      POST: () => {
        session.destroy();
        return new Response(null, { status: 303, headers: { Location: "/" } });
      },
    },
  },
});
