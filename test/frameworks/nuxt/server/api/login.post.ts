import { session } from "hipflask";

export default defineEventHandler(async (event) => {
  const form = await readBody<{ username: string }>(event);
  session.regenerate();
  session.username = form.username;
  return sendRedirect(event, "/", 303);
});
