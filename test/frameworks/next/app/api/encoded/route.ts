import type { HipflaskError } from "hipflask";
import { djangoCodec } from "hipflask/codecs/django";
import { sessions } from "hipflask/next";

const secretKey = "a key that Django has as well, and long enough for it";
const shared = sessions({ secretKey, cookieName: "django", codec: djangoCodec({ secretKey }) });

/** A cookie with colons: Next would encode them, a response does not. */
export const GET = shared.withSession(async (request: Request) => {
  const visitor = await shared.session();
  const asked = new URL(request.url).searchParams;
  if (asked.size === 0) {
    visitor.username = "django";
    return new Response("written");
  }
  if (asked.has("read")) return new Response(String(visitor.username));
  visitor.username = "encoded";
  try {
    await shared.save();
    return new Response("accepted");
  } catch (error) {
    return new Response((error as HipflaskError).code);
  }
});
