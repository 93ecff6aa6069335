import { session, withSession } from "@/lib/session";

/** A `return` is missing, as in a first try without types. */
export const POST = withSession(async () => {
  (await session()).visits = 1;
}) as unknown as () => Promise<Response>;
