import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { publicNames, subpaths } from "../support/public-api.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .map((name) => readFileSync(join(root, "docs", name), "utf8"));

/** What the table under "Install" has: whole paths in its first column, names below a folder in either. */
function doorsInReadme(): string[] {
  const table = readme.split("| import | for |")[1]!.split("\n\n", 1)[0]!;
  return table.split("\n").flatMap((row) => {
    const [, paths = "", text = ""] = row.split(/(?<!\\)\|/);
    const codes = [...paths.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
    if (codes[0] === "hipflask/stores/…")
      return [...text.matchAll(/`([a-z-]+)`/g)].map(([, name]) => `hipflask/stores/${name}`);
    return codes.map((code) => (code.startsWith("/") ? `hipflask${code}` : code));
  });
}

describe("the documentation", () => {
  it("lists every door in the README, and no other", () => {
    const doors = [...subpaths().keys()].map((subpath) => `hipflask${subpath.slice(1)}`);
    expect(doorsInReadme().toSorted()).toEqual(doors.toSorted());
  });

  it("has a page for every function, class and value; types are in the API reference", () => {
    const text = [readme, ...pages].join("\n");
    const missing = publicNames()
      .filter(({ kind }) => kind !== "type")
      .filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(text));
    expect(missing.map(({ subpath, name }) => `${name} of hipflask${subpath.slice(1)}`)).toEqual([]);
  });
});
