import { session } from "hipflask";

export default defineEventHandler((event) => {
  session.destroy();
  return sendRedirect(event, "/", 303);
});
