import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";

/**
 * Ends a run with one plain line, `N passed, N failed`, and names the suites that were skipped, and the projects if not all
 * of them were asked for. In CI nothing may be skipped: a test that found its service or program missing there has not
 * tested anything.
 */
export class PlainSummary implements Reporter {
  readonly #strict: boolean;
  readonly #print: (line: string) => void;
  #projects: readonly string[] = [];

  constructor(strict = Boolean(process.env["CI"]), print: (line: string) => void = console.log) {
    this.#strict = strict;
    this.#print = print;
  }

  onInit({ config }: Pick<Vitest, "config">): void {
    this.#projects = [config.project].flat();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[] = []): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string) => tests.filter((test) => test.result().state === state);
    // A file that does not load, and an error outside of every test, fail the run and have no test to count.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const skipped = inState("skipped");
    for (const [suite, count] of countBy(skipped, suiteOf)) this.#print(`skipped: ${suite} (${count})`);
    if (skipped.length > 0) this.#print(`${skipped.length} skipped`);
    if (skipped.length > 0 && this.#strict) {
      this.#print("Nothing may be skipped in CI.");
      process.exitCode = 1;
    }
    if (this.#projects.length > 0)
      this.#print(`Only project ${this.#projects.join(", ")}; npm run test:all runs every test.`);
    const lost = this.#strict ? skipped.length : 0;
    this.#print(`${inState("passed").length} passed, ${inState("failed").length + broken + lost} failed`);
  }
}

/** The file with the outermost suite, whose title says what is missing. */
function suiteOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName.split(" > ")[0]}`;
}

function countBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}
