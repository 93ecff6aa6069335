import { session } from "@/lib/session";

/** Looks, and saves nothing. */
export async function GET(): Promise<Response> {
  return Response.json(await session());
}
