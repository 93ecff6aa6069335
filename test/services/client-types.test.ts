import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { databases } from "../support/databases.ts";

const { skip, note } = databases();
const root = join(import.meta.dirname, "../..");

describe.skipIf(skip)(`the types of stores${note}`, () => {
  it("take the real clients, and refuse each other's", async () => {
    const complaints = await new Promise<string>((resolve) => {
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      execFile(process.execPath, [tsc, "-p", "test/databases", "--noEmit"], { cwd: root }, (_, out, err) =>
        resolve(out + err),
      );
    });
    expect(complaints).toBe("");
  });
});
