import { describe, expect, it } from "vitest";
import { Requests } from "./explore.ts";
import { playAll } from "./scenes.ts";

describe("every interleaving of three requests, two or more of which log in or end the sessions of an owner", () => {
  it("keeps all promises", { timeout: 1_200_000 }, async () => {
    const { report, violations } = await playAll(new Requests(), 3, 0, { part: "logins" });
    console.log(report);
    expect(violations.join("\n\n")).toBe("");
  });
});
