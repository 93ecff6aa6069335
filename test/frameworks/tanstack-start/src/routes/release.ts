import { createFileRoute } from "@tanstack/react-router";
import { release } from "../waiting";

export const Route = createFileRoute("/release")({
  server: {
    handlers: {
      POST: () => {
        release();
        return new Response("released");
      },
    },
  },
});
