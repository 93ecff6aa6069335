import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Raw } from "./support/vectors/check.ts";
import { judgeFlask } from "./support/vectors/run.ts";

const file = JSON.parse(readFileSync(new URL("vectors/flask.json", import.meta.url), "utf8")) as Raw;

// What real Flask did, vector by vector; `npm run vectors` runs the same on any file.
describe("Flask's vectors", () => {
  const verdicts = judgeFlask(file);

  it.each(verdicts.map(({ name, problems }) => [name, problems] as const))("%s", (_, problems) => {
    expect(problems()).toEqual([]);
  });

  it("are all there", () => {
    const sizes: Record<string, number> = {};
    for (const { name } of verdicts) {
      const section = name.split(" ", 1)[0]!;
      sizes[section] = (sizes[section] ?? 0) + 1;
    }
    expect(sizes).toEqual({ cookies: 314, requests: 150, flows: 5, blocks: 277 });
  });
});
