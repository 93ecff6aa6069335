import { session, withSession } from "@/lib/session";

export const GET = withSession(async (): Promise<Response> => {
  (await session()).username = "crashed";
  throw new Error("on purpose");
});
