import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { fullScale } from "./service.ts";

const writer = fileURLToPath(new URL("sqlite-writer.ts", import.meta.url));
const tsx = import.meta.resolve("tsx");
const folder = mkdtempSync(join(tmpdir(), "hipflask-crash-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("sqliteStore in several processes", () => {
  it("keeps what was acknowledged, and no half of a write, when writers are killed", async () => {
    const file = join(folder, "sessions.db");
    const store = sqliteStore(file);
    await store.live([]);
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < Math.max(2, Math.ceil(10 * fullScale)); round++) {
      const lines = await Promise.all([writeUntilKilled(file, round), writeUntilKilled(file, round + 1)]);
      for (const line of lines.flat()) {
        const [what, selector] = line.split(" ") as [string, string];
        acknowledged.set(selector, what);
      }
    }
    expect(acknowledged.size).toBeGreaterThan(20);
    const broken: string[] = [];
    for (const [selector, what] of acknowledged) {
      const found = await store.read(selector);
      const fields = found.status === "ok" ? Object.fromEntries(found.record.fields) : undefined;
      if (!agrees(what, fields)) broken.push(`${what} ${selector}: ${JSON.stringify(fields)}`);
    }
    expect(broken).toEqual([]);
    await store.close?.();
  });
});

/** Whether what is stored is what the writer last said, or its next step, which it had no time to say. */
function agrees(what: string, fields: Record<string, string> | undefined): boolean {
  if (what === "destroyed") return fields === undefined;
  if (fields === undefined) return what === "patched";
  const isWhole = [fields.a, fields.b, fields.c].every((value) => value === fields.n);
  const isUntouched = Object.keys(fields).join() === "n";
  return isWhole || (isUntouched && what === "created");
}

/** The complete lines that a writer said before it was killed at some moment. */
async function writeUntilKilled(file: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, ["--import", tsx, writer, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.length > 3000 + 1500 * (round % 5)) child.kill("SIGKILL");
  });
  await once(child, "close");
  return said.split("\n").slice(0, -1);
}
