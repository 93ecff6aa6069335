import { sessions } from "hipflask/next";

const { session, withSession } = sessions({ secretKey: "auto", cookieName: "auto", cookieSecure: "auto" });

export const POST = withSession(async () => {
  (await session()).username = "ada";
  return new Response("written");
});
