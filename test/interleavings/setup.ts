import { beforeAll, vi } from "vitest";
import { stopTimers } from "./scenes.ts";

// Waits between retries are over at once: whatever could happen meanwhile is another interleaving.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<typeof import("node:timers/promises")>()),
  setTimeout: async () => {},
}));
vi.mock("../../src/stores/parts/token.ts", async (original) => {
  const token = await original<typeof import("../../src/stores/parts/token.ts")>();
  const { seededRandom } = await import("./random.ts");
  return {
    ...token,
    pooledRandom: seededRandom,
    newToken: () => token.newToken(seededRandom),
    newVerifier: (selector: string) => token.newVerifier(selector, seededRandom),
  };
});
beforeAll(stopTimers);
