import { defineAction } from "astro:actions";
import { z } from "astro/zod";
import { session } from "hipflask";

export const server = {
  login: defineAction({
    accept: "form",
    input: z.object({ username: z.string() }),
    handler({ username }) {
      session.regenerate();
      session.username = username;
      session.flash("Welcome");
    },
  }),
};
