import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { optionsFromFlask, resolveOptions } from "../src/index.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/options.md"), "utf8");

/** The first column of every table between two headings, whose first cell is a name of code. */
function rowsOf(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)];
  return new Map(rows.map(([, name, cells]) => [name!, cells!.split("|").map((cell) => cell.trim())]));
}

function section(pattern: RegExp): string {
  const parts = page.split(/^(?=##+ )/m).filter((part) => pattern.test(part.split("\n", 1)[0]!));
  expect(parts.length).toBeGreaterThan(0);
  return parts.join("\n");
}

/** The line of an option of adapters. */
function lineOf(option: string): string {
  const lines = section(/second argument/).split("\n");
  return lines.filter((line) => line.startsWith(`| \`${option}\` |`)).join("\n");
}

/** The members of an interface, as its file has them. */
function membersOf(file: string, name: string): string[] {
  const source = readFileSync(join(root, "src", file), "utf8");
  const body = source.split(`export interface ${name} {\n`)[1]!.split("\n}\n", 1)[0]!;
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, member]) => member!);
}

const OTHERS = /`(flaskCodec|sealedCodec|storeOptions)`|second argument/;
const top = page
  .split(/^(?=##+ )/m)
  .filter((part) => !OTHERS.test(part.split("\n", 1)[0]!))
  .join("\n");

describe("docs/options.md", () => {
  it.each([
    ["SessionOptions", "manager/options.ts", top],
    ["StoreOptions", "manager/store-options.ts", section(/`storeOptions`/)],
    ["FlaskCodecOptions", "codecs/flask.ts", section(/`flaskCodec`/)],
    ["SealedCodecOptions", "codecs/sealed.ts", section(/`sealedCodec`/)],
    ["HandlerErrorOptions", "adapters/parts/error-page.ts", lineOf("onError")],
    ["SocketOptions", "adapters/socket/origins.ts", lineOf("origins")],
  ])("has every member of %s, once, and no other", (name, file, text) => {
    const documented = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, option]) => option!);
    expect(documented.toSorted()).toEqual(membersOf(file, name).toSorted());
  });

  it("names Flask's setting beside each option that has one", () => {
    const settings = membersOf("manager/flask-options.ts", "FlaskConfig");
    expect(settings.length).toBeGreaterThan(10);
    const rows = rowsOf(top);
    for (const setting of settings) {
      const value = { toString: () => setting };
      const options = optionsFromFlask({ [setting]: value });
      const option = Object.entries(options).find(([, given]) => given === value)?.[0];
      expect(rows.get(option!)?.[1], `${setting} is ${option}`).toContain(`\`${setting}\``);
    }
  });

  it("says the numbers that are in the code", () => {
    const config = resolveOptions({ secretKey: "dev" });
    const rows = rowsOf(top);
    for (const option of ["lifetime", "refreshAfter", "maxCookieSize"] as const)
      expect(rows.get(option)![0]).toMatch(new RegExp(`^${config[option]} `));
    for (const option of [
      "cookieHttpOnly",
      "cookieSecure",
      "cookiePartitioned",
      "refreshEachRequest",
    ] as const)
      expect(rows.get(option)![0]).toMatch(new RegExp(`^\`${config[option]}\``));
    expect(rows.get("cookieName")![0]).toMatch(new RegExp(`^\`"${config.cookieName}"\``));
  });
});
