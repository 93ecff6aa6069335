import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The packages of `test/frameworks`, which are large and installed by themselves. */
export interface Frameworks {
  /** Whether tests that need them are to be skipped. Never in CI. */
  readonly skip: boolean;
  /** The reason, for the title; empty where nothing is skipped. */
  readonly note: string;
  /** Resolves from there. */
  readonly require: NodeJS.Require;
  /** Their folder. */
  readonly root: string;
}

/** Tells whether the frameworks' packages are there, and where. */
export function frameworks(): Frameworks {
  const root = join(import.meta.dirname, "../frameworks");
  const isInstalled = existsSync(join(root, "node_modules"));
  return {
    skip: !isInstalled && !process.env["CI"],
    note: isInstalled ? "" : " (skipped: `npm ci` in test/frameworks installs what they need)",
    require: createRequire(join(root, "package.json")),
    root,
  };
}
