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
    await store.read("k");
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < Math.max(2, Math.ceil(10 * fullScale)); round++) {
      const lines = await Promise.all([writeUntilKilled(file, round), writeUntilKilled(file, round + 1)]);
      for (const line of lines.flat()) {
        const [what, key] = line.split(" ") as [string, string];
        acknowledged.set(key, what);
      }
    }
    expect(acknowledged.size).toBeGreaterThan(20);
    const broken: string[] = [];
    for (const [key, what] of acknowledged) {
      const text = (await store.read(key))?.text;
      if (!agrees(what, text)) broken.push(`${what} ${key}: ${text}`);
    }
    expect(broken).toEqual([]);
    await store.close?.();
  });
});

/** Whether what is stored is what the writer last said, or its next step, which it had no time to say. */
function agrees(what: string, text: string | undefined): boolean {
  if (what === "removed") return text === undefined;
  if (text === undefined) return what === "replaced";
  const parts = text.trimEnd().split(" ");
  const isWhole = parts.length === 1000 && parts.every((part) => part === parts[0]);
  return isWhole || (parts.length === 1 && what === "inserted");
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
