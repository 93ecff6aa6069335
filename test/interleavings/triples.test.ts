import { describe, expect, it } from "vitest";
import { Requests } from "./explore.ts";
import { play, playAll } from "./scenes.ts";

/** One of so many choices of three requests is played with faults. */
const SAMPLED = 16;

describe("every interleaving of three requests", () => {
  it.each(["others", "ends"] as const)("%s: keeps all promises", { timeout: 1_200_000 }, async (part) => {
    const { report, violations } = await playAll(new Requests(), 3, 0, { part });
    console.log(report);
    expect(violations.join("\n\n")).toBe("");
  });

  // All of them take more than a minute; each run takes others.
  it("keeps all promises, also with an error or a lost answer at any step, in a sample", async () => {
    const sample = { of: SAMPLED, first: Math.floor(Math.random() * SAMPLED) };
    const { report, violations } = await playAll(new Requests(), 3, 1, { part: "others", sample });
    console.log(report);
    expect(violations.join("\n\n")).toBe("");
  });

  it("leaves one session of three logins where one is allowed", { timeout: 1_200_000 }, async () => {
    const names = Array.from({ length: 3 }, () => "log in where one is allowed");
    const { violations } = await play(new Requests(), names, 0);
    expect(violations.join("\n\n")).toBe("");
  });
});
