import { describe, expect, it, vi } from "vitest";
import { Owners } from "../../src/stores/parts/owners.ts";
import { Requests } from "./explore.ts";
import type { Plant } from "./request.ts";
import { play, playAll } from "./scenes.ts";
import type { EngineFault } from "./world.ts";

describe("every interleaving of two requests", () => {
  it(
    "keeps all promises, also with an error or a lost answer at any step (SEC-9, SEC-11, SEC-13, SEC-14, SEC-23, SEC-64)",
    { timeout: 1_200_000 },
    async () => {
      const { report, violations } = await playAll(new Requests(), 2, 1);
      console.log(report);
      expect(violations.join("\n\n")).toBe("");
    },
  );
});

describe("faults that were put in", () => {
  const engines: Array<[EngineFault, readonly string[], RegExp]> = [
    ["blind replace", ["write a", "write b"], /is 0, and not/],
    ["blind replace", ["count", "count"], /2 increments were acknowledged, and 1 are there/],
    ["blind replace", ["flash", "flash"], /message m\d was lost/],
    ["replace revives", ["write a", "log out"], /there again|live after a logout/],
    ["insert overwrites", ["log in from elsewhere", "log in from elsewhere"], /outlives a later end/],
  ];
  it.each(engines)("%s: is found with %j", async (engine, names, violation) => {
    const { violations } = await play(new Requests(), names, 0, engine);
    expect(violations.join("\n")).toMatch(violation);
  });

  const plants: Array<[Plant, readonly string[], RegExp]> = [
    ["retry without commit id", ["count", "touch"], /1 increments were sent, and 2 are there/],
    ["retry without commit id", ["flash", "touch"], /a message came twice/],
    [
      "rotation without grace",
      ["rotate periodically", "write a"],
      /a rotation logged out|came to SESSION_LOST|by a rotation/,
    ],
  ];
  it.each(plants)("%s: is found with %j", async (plant, names, violation) => {
    const { violations } = await play(new Requests(plant), names, 1);
    expect(violations.join("\n")).toMatch(violation);
  });

  it("a login that is not confirmed: is found", async () => {
    const confirm = vi.spyOn(Owners.prototype, "confirm").mockResolvedValue("ok");
    const { violations } = await play(new Requests(), ["log in from elsewhere", "log out everywhere"], 0);
    confirm.mockRestore();
    expect(violations.join("\n")).toMatch(/lives on|outlives/);
  });
});
