import { stored } from "@/lib/stored";

/** Takes the messages, as only somebody who can save may. */
export const GET = stored.withSession(async () =>
  Response.json((await stored.session()).getFlashedMessages()),
);
