import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** The project of vitest.config.ts that a test file runs in. */
    project: "unit" | "live" | "browser" | "interleavings" | "bench";
  }
}

/** Whether this is `npm test`, which needs nothing but what `npm ci` installs. */
export const isUnit = inject("project") === "unit";

/** @throws in a unit test, which would be skipped or fail wherever `what` is missing */
export function notInUnit(what: string): void {
  if (isUnit) throw new Error(`A test that needs ${what} is no unit test: add its file to vitest.config.ts.`);
}
