import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

describe("npm run bench", () => {
  it("measures every workload and judges every goal, in its quick form", { timeout: 120_000 }, async () => {
    await run(
      process.execPath,
      ["node_modules/typescript/bin/tsc", "-p", "bench/tsconfig.json", "--noCheck"],
      {
        cwd: root,
      },
    );
    const { stdout, stderr } = await run(process.execPath, ["bench/build/run.js", "--quick"], { cwd: root });

    const [ours] = /^hipflask .*$/m.exec(stdout)!;
    expect(ours.match(/[\d.]+×/g)).toHaveLength(9);
    for (const goal of ["P1", "P2", "P3", "P4", "P6", "P12", "P13", "P14"]) {
      expect(stdout).toMatch(new RegExp(`^${goal} .*(met|NOT MET)$`, "im"));
    }
    expect(stderr).toMatch(/\[1\/\d+\] warming up/);
  });
});
