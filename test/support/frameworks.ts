import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { notInUnit } from "./project.ts";

notInUnit("the packages of test/frameworks");

/** The folder of frameworks that are too large for the root, which `npm ci` installs there. */
export interface Frameworks {
  /** They are not installed, and nobody promised that they are. With CI set nothing is skipped. */
  readonly skip: boolean;
  /** Why, for the name of the test; empty if nothing is skipped. */
  readonly note: string;
  /** Resolves packages as files in that folder would. */
  readonly require: NodeJS.Require;
  readonly root: string;
}

/** Tells whether the frameworks of `test/frameworks` can be used, and where they are. */
export function frameworks(): Frameworks {
  const root = join(import.meta.dirname, "../frameworks");
  const skip = !existsSync(join(root, "node_modules")) && !process.env["CI"];
  const note = skip ? " (skipped: run `npm --prefix test/frameworks ci` for it)" : "";
  return { skip, note, require: createRequire(join(root, "package.json")), root };
}
