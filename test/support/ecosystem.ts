import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { notInUnit } from "./project.ts";

notInUnit("the packages of test/ecosystem");

const FOLDER = join(import.meta.dirname, "../ecosystem");

/**
 * The packages of test/ecosystem, which `npm ci` installs there: how to load them, and whether tests that need them are
 * to be skipped, with the reason for the title. In CI they run, and fail.
 */
export function ecosystem(): { skip: boolean; note: string; require: NodeJS.Require } {
  const isThere = existsSync(join(FOLDER, "node_modules"));
  return {
    skip: !isThere && !process.env.CI,
    note: isThere ? "" : " (skipped: `npm ci` in test/ecosystem installs what it needs)",
    require: createRequire(join(FOLDER, "package.json")),
  };
}
