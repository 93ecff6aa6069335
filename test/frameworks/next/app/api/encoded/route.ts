import type { HipflaskError } from "hipflask";
import { djangoCodec } from "hipflask/codecs/django";
import { sessions } from "hipflask/next";

const secretKey = "a key that Django has as well, and long enough for it";
const shared = sessions({ secretKey, cookieName: "django", codec: djangoCodec({ secretKey }) });

const write = shared.withSession(async () => {
  (await shared.session()).username = "encoded";
});

/** A cookie with colons: Next would encode them, a response does not. */
const respond = shared.withSession(async (request: Request) => {
  const visitor = await shared.session();
  if (new URL(request.url).searchParams.has("read")) return new Response(String(visitor.username));
  visitor.username = "django";
  return new Response("written");
});

export async function GET(request: Request): Promise<Response> {
  if (!new URL(request.url).searchParams.has("action")) return respond(request);
  return write().then(
    () => new Response("accepted"),
    (error: HipflaskError) => new Response(error.code),
  );
}
