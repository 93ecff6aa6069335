import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** Engines, and the services that `npm run bench:stores` looks for; the first two need none. */
const ENGINES = [
  ["memory", "none"],
  ["sqlite", "none"],
  ["redis", "Redis"],
  ["ioredis", "Redis"],
  ["postgres", "PostgreSQL"],
  ["mariadb", "MariaDB"],
] as const;

beforeAll(async () => {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "bench/tsconfig.json", "--noCheck"];
  await run(process.execPath, tsc, { cwd: root });
}, 60_000);

describe("npm run bench", () => {
  it("measures every workload and judges every goal, in its quick form", { timeout: 120_000 }, async () => {
    const { stdout, stderr } = await run(process.execPath, ["bench/build/run.js", "--quick"], { cwd: root });

    const [ours] = /^hipflask .*$/m.exec(stdout)!;
    expect(ours.match(/[\d.]+×/g)).toHaveLength(9);
    for (const goal of ["P1", "P2", "P3", "P4", "P6", "P12", "P13", "P14"]) {
      expect(stdout).toMatch(new RegExp(`^${goal} .*(met|NOT MET)$`, "im"));
    }
    expect(stderr).toMatch(/\[1\/\d+\] warming up/);
  });
});

describe("npm run bench:stores", () => {
  it(
    "measures what can be reached and judges every goal, in its quick form",
    { timeout: 300_000 },
    async () => {
      const { stdout, stderr } = await run(process.execPath, ["bench/build/stores/run.js", "--quick"], {
        cwd: root,
      });

      const unreached = new Set(Array.from(stderr.matchAll(/^No (\w+) here/gm), ([, name]) => name));
      const rowsOf = (engine: string) => stdout.match(new RegExp(`^${engine} +hipflask .*$`, "gm")) ?? [];
      for (const [engine, service] of ENGINES) {
        const rows = rowsOf(engine);
        expect(rows).toHaveLength(engine === "ioredis" ? 1 : 2);
        const figures = unreached.has(service) ? /(?: +–){5}$/ : /(?: +-?[\d.]+×){4} +[\d,]+$/;
        for (const row of rows) expect(row).toMatch(figures);
      }
      // In CI all of them are there.
      expect(unreached.size).toBeLessThanOrEqual(process.env["CI"] ? 0 : 3);
      for (const goal of ["P8", "P9", "P10", "P11", "P16", "P17"]) {
        expect(stdout).toMatch(new RegExp(`^${goal} .*(met|NOT MET|not measured)$`, "m"));
      }
      expect(stdout).toMatch(/^P10 .*sweep.* met$|^P10 .*sweep.* NOT MET$/m);
      expect(stderr).toMatch(/\[1\/\d+\] warming up/);
    },
  );
});
