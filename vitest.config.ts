import { defineConfig } from "vitest/config";
import { PlainSummary } from "./test/support/plain-summary.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", new PlainSummary()],
    // A hang ends some time; how fast a machine is decides nothing.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
