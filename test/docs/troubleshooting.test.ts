import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

describe("docs/troubleshooting.md", () => {
  it("has a heading for the code of every error", () => {
    const codes = [...read("src/errors.ts").matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, code]) => code);
    const headings = [...read("docs/troubleshooting.md").matchAll(/^#{2,3} (.*)$/gm)]
      .map(([, text]) => text)
      .join("\n");
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter((code) => !new RegExp(`\\b${code}\\b`).test(headings))).toEqual([]);
  });
});
