import { beforeAll, vi } from "vitest";
import { stopTimers } from "./scenes.ts";

// Waits between retries are over at once: whatever could happen meanwhile is another interleaving.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<typeof import("node:timers/promises")>()),
  setTimeout: async () => {},
}));
vi.mock("../../src/stores/parts/random.ts", async () => ({
  pooledRandom: (await import("./random.ts")).seededRandom,
}));
beforeAll(stopTimers);
