import type { APIRoute } from "astro";
import { session } from "hipflask";

export const POST: APIRoute = ({ redirect }) => {
  session.destroy();
  return redirect("/", 303);
};
