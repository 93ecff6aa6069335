import type { Store } from "hipflask";
import { sessions } from "hipflask/next";
import { memoryStore } from "hipflask/stores/memory";

/** Next loads a module once for pages and once for route handlers, so what must be one is kept in a global. */
const place = globalThis as { store?: Store };

export const stored = sessions({
  secretKey: process.env.SECRET_KEY,
  cookieName: "stored",
  store: (place.store ??= memoryStore()),
});
