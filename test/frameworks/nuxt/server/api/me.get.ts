import { session } from "hipflask";

export default defineEventHandler(() => ({ username: session.username ?? null }));
