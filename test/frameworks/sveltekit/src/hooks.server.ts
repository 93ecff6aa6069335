import { env } from "$env/dynamic/private";
import { sequence } from "@sveltejs/kit/hooks";
import { redirect, type Handle } from "@sveltejs/kit";
import { sessions } from "hipflask/sveltekit";

const guard: Handle = ({ event, resolve }) => {
  if (event.url.pathname.startsWith("/account") && !event.locals.session.username) {
    event.locals.session.flash("Log in first");
    redirect(303, "/");
  }
  return resolve(event);
};

export const handle = sequence(sessions({ secretKey: env.SECRET_KEY }), guard);
