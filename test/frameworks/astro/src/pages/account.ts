import type { APIRoute } from "astro";
import { getSession, session } from "hipflask";

export const GET: APIRoute = ({ locals, request }) =>
  Response.json([session, locals.session, getSession(request)].map(({ username }) => username ?? null));
