import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { denoKvStore } from "../../src/stores/deno-kv.ts";
import { databases } from "../support/databases.ts";

const run = promisify(execFile);
const { skip, note } = databases();
const folder = import.meta.dirname;

describe("denoKvStore", () => {
  it.skipIf(skip)(`keeps the contract with two handles, in Deno${note}`, async () => {
    const deno = join(folder, "../databases/node_modules/.bin/deno");
    const script = join(folder, "deno-kv.ts");
    const kept = mkdtempSync(join(tmpdir(), "hipflask-deno-"));
    const args = ["run", "--no-config", "--no-check", "-A", "--unstable-kv", script, join(kept, "kv.db")];
    const env = { ...process.env, NO_COLOR: "1" };
    const { stdout } = await run(deno, args, { env, maxBuffer: 1 << 24, timeout: 120_000 });
    rmSync(kept, { recursive: true });
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
    expect(lines.length).toBeGreaterThan(15);
  });

  it("refuses what is not an open Deno.Kv", () => {
    for (const wrong of [undefined, Promise.resolve({}), ":memory:"]) {
      expect(() => denoKvStore(wrong as never)).toThrow(/denoKvStore\(await Deno\.openKv\(\)\)/);
    }
  });
});
