import { defineConfig } from "vitest/config";
import { PlainSummary } from "./test/support/plain-summary.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", new PlainSummary()],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
