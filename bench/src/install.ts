import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BENCH = new URL("../", import.meta.url);

/**
 * Installs the peers unless the lockfile's very packages are there. They are the benchmark's own dependencies, so that
 * `npm ci` at the root need not fetch them.
 *
 * @param optional go on without them if they cannot be had; their cells then show a dash
 */
export function installPeers({ optional }: { optional: boolean }): void {
  const installed = new URL("node_modules/.package-lock.json", BENCH);
  const wanted = new URL("package-lock.json", BENCH);
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  console.error("Installing the peers to measure against (npm ci in bench/) …");
  try {
    execFileSync("npm", ["ci", "--no-fund", "--no-audit"], { cwd: fileURLToPath(BENCH), stdio: "inherit" });
  } catch (error) {
    if (!optional) throw error;
    console.error("They cannot be installed, so only hipflask itself is measured.");
  }
}
