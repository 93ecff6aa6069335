/**
 * `npm run vectors -- FILE...` runs test vectors (by default all of `test/vectors`) against the built package.
 *
 * Prints every vector that fails and ends with `N passed, N failed`. Exit code 1 if any failed, 2 if a file could not
 * be read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runVectors } from "../test/support/vectors/run.ts";

const own = fileURLToPath(new URL("../test/vectors/", import.meta.url));
const given = process.argv.slice(2);
const files = given.length > 0 ? given : readdirSync(own).map((name) => own + name);

let passed = 0;
let failed = 0;
for (const file of files) {
  const content = read(file);
  if (content === undefined) continue;
  const report = runVectors(content.json);
  passed += report.passed;
  failed += report.failures.length;
  for (const failure of report.failures) console.log(`FAILED ${file} ${failure}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode ??= failed === 0 ? 0 : 1;

function read(file: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(readFileSync(file, "utf8")) as unknown };
  } catch (error) {
    console.log(`UNREADABLE ${file}\n  ${String(error)}`);
    process.exitCode = 2;
    return undefined;
  }
}
