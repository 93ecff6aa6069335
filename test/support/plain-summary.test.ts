import { afterEach, describe, expect, it } from "vitest";
import type { TestModule, Vitest } from "vitest/node";
import { PlainSummary } from "./plain-summary.ts";

type State = "passed" | "failed" | "skipped";

/** As much of a test file as the reporter looks at. */
function file(states: readonly State[], errors: readonly unknown[] = []): TestModule {
  const module = { relativeModuleId: "some.test.ts", errors: () => errors, children: { allTests } };
  function allTests() {
    return states.map((state, index) => ({
      module,
      fullName: `a suite > test ${index}`,
      result: () => ({ state }),
    }));
  }
  return module as unknown as TestModule;
}

function report(strict: boolean, files: readonly TestModule[], unhandled: readonly unknown[] = []): string[] {
  const lines: string[] = [];
  new PlainSummary(strict, (line) => lines.push(line)).onTestRunEnd(files, unhandled);
  return lines;
}

describe("PlainSummary", () => {
  afterEach(() => {
    process.exitCode = undefined;
  });

  it("ends with one plain line", () => {
    expect(report(true, [file(["passed", "failed"]), file(["passed"])])).toEqual(["2 passed, 1 failed"]);
  });

  it("says that only some projects were run", () => {
    const lines: string[] = [];
    const summary = new PlainSummary(true, (line) => lines.push(line));
    summary.onInit({ config: { project: ["unit"] } } as unknown as Vitest);
    summary.onTestRunEnd([file(["passed"])]);
    expect(lines).toEqual(["Only project unit; npm run test:all runs every test.", "1 passed, 0 failed"]);
  });

  it("counts files that do not load and errors outside of tests", () => {
    expect(report(true, [file([], [new Error("no such module")])], [new Error("late")])).toEqual([
      "0 passed, 2 failed",
    ]);
  });

  it("names what was skipped, and fails for it in CI alone", () => {
    const files = [file(["passed", "skipped", "skipped"])];
    expect(report(false, files)).toEqual([
      "skipped: some.test.ts > a suite (2)",
      "2 skipped",
      "1 passed, 0 failed",
    ]);
    expect(process.exitCode).toBeUndefined();
    expect(report(true, files).at(-1)).toBe("1 passed, 2 failed");
    expect(process.exitCode).toBe(1);
  });
});
