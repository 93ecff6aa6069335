import { session } from "hipflask";

export default defineEventHandler(() => {
  session.username = "crashed";
  throw createError({ statusCode: 418, statusMessage: "on purpose" });
});
