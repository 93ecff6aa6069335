import { join } from "node:path";

// The packages are in a folder above the app.
export default {
  experimental: { authInterrupts: true },
  turbopack: { root: join(import.meta.dirname, "../..") },
};
