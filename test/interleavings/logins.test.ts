import { beforeAll, describe, expect, it, vi } from "vitest";
import { Requests } from "./explore.ts";
import { playAll, stopTimers } from "./scenes.ts";

// Waits between retries are over at once: whatever could happen meanwhile is another interleaving.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<typeof import("node:timers/promises")>()),
  setTimeout: async () => {},
}));
vi.mock("../../src/stores/parts/random.ts", async () => ({
  pooledRandom: (await import("./random.ts")).seededRandom,
}));
beforeAll(stopTimers);

describe("every interleaving of three requests, two or more of which log in or end the sessions of an owner", () => {
  it("keeps all promises", { timeout: 1_200_000 }, async () => {
    const { report, violations } = await playAll(new Requests(), 3, 0, { part: "logins" });
    console.log(report);
    expect(violations.join("\n\n")).toBe("");
  });
});
