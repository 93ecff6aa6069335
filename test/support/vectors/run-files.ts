import { readFileSync } from "node:fs";
import { runVectors } from "./run.ts";

/**
 * Runs files of vectors, prints each vector that fails, and last `N passed, N failed`.
 *
 * @returns the exit code: 1 if a vector failed or there was none, 2 if a file could not be read
 */
export function runFiles(files: readonly string[], print: (line: string) => void): number {
  let passed = 0;
  let failed = 0;
  let unreadable = 0;
  for (const file of files) {
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      print(`UNREADABLE ${file}\n  ${String(error)}`);
      unreadable++;
      continue;
    }
    const report = runVectors(content);
    passed += report.passed;
    failed += report.failures.length;
    for (const failure of report.failures) print(`FAILED ${file} ${failure}`);
  }
  print(`${passed} passed, ${failed} failed`);
  if (unreadable > 0) return 2;
  return failed === 0 ? 0 : 1;
}
