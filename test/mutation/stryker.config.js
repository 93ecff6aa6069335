const folder = process.env.MUTATE;

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  mutate: [`src/${folder}/**/*.ts`, "!src/**/*.test.ts"],
  // Only what these tests read goes into the copy in which the code is changed.
  ignorePatterns: [
    "bench",
    "coverage",
    "decisions",
    "dist",
    "docs",
    "examples",
    "site",
    "test/{browser,frameworks,types}",
  ],
  // Its handling of tsconfig.json calls a compiler of TypeScript 5; nothing there needs to be changed for the copy.
  tsconfigFile: "none",
  tempDirName: ".cache/stryker",
  // The machine may be somebody's desk.
  concurrency: 1,
  // What runs while a module is loaded would need every test for each change; what runs in a test as well is tried there.
  ignoreStatic: true,
  // On a busy machine a slow test is no endless loop.
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: `.cache/mutation/${folder}.incremental.json`,
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: `.cache/mutation/${folder}.html` },
  jsonReporter: { fileName: `.cache/mutation/${folder}.json` },
};
