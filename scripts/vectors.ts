/**
 * `npm run vectors -- FILE...` runs test vectors (by default all of `test/vectors`) against the built package.
 *
 * Prints every vector that fails and ends with `N passed, N failed`. Exit code 1 if any failed, 2 if a file could not
 * be read.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runFiles } from "../test/support/vectors/run-files.ts";

const own = fileURLToPath(new URL("../test/vectors/", import.meta.url));
const given = process.argv.slice(2);
const files = given.length > 0 ? given : readdirSync(own).map((name) => own + name);
process.exitCode = runFiles(files, console.log);
