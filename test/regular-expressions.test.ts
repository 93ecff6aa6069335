import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";
import { describe, expect, it } from "vitest";
import { ecosystem } from "./support/ecosystem.ts";

const { require } = ecosystem();
const isThere = existsSync(join(import.meta.dirname, "ecosystem/node_modules/recheck"));
const skip = !isThere && !process.env.CI;
const note = isThere ? "" : " (skipped: `npm ci` in test/ecosystem installs what it needs)";

type Check = (
  source: string,
  flags: string,
  parameters: object,
) => { status: string; complexity?: { summary: string }; attack?: { pattern: string } };

interface Literal {
  readonly place: string;
  readonly pattern: string;
  readonly flags: string;
}

/** Every regular expression in a piece of source. */
function literalsOf(place: string, source: string): Literal[] {
  const found: Literal[] = [];
  JSON.stringify(parseAst(source, { lang: "ts" }), (_, node: unknown) => {
    const { regex } = Object(node) as { regex?: { pattern: string; flags: string } };
    if (regex !== undefined) found.push({ place, ...regex });
    return regex !== undefined || typeof node === "bigint" ? undefined : node;
  });
  return found;
}

const src = join(import.meta.dirname, "../src");
const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.endsWith(".d.ts"))
  .map((path) => ({ path, source: readFileSync(join(src, path), "utf8") }));
const literals = sources.flatMap(({ path, source }) => literalsOf(path, source));

describe.skipIf(skip)(`regular expressions${note}`, () => {
  const { checkSync } = skip ? { checkSync: undefined! } : (require("recheck") as { checkSync: Check });
  const verdict = ({ pattern, flags }: Pick<Literal, "pattern" | "flags">) => {
    const { status, complexity, attack } = checkSync(pattern, flags, { timeout: 20_000 });
    return status === "safe" ? status : `${status}: ${complexity?.summary}, ${attack?.pattern}`;
  };

  it("are found, and the checker knows a slow one", () => {
    expect(literals.length).toBeGreaterThan(60);
    // One that is put together at run time would not be seen.
    expect(sources.filter(({ source }) => source.includes("new RegExp(")).map(({ path }) => path)).toEqual(
      [],
    );
    expect(verdict({ pattern: "^[{}]+|[{}]+$", flags: "g" })).toMatch(/^vulnerable: 2nd degree polynomial/);
    expect(verdict({ pattern: "^(a+)+$", flags: "" })).toMatch(/^vulnerable: exponential/);
  });

  it("take time in proportion to their text, whatever the text", () => {
    const verdicts = literals.map((literal) => `${literal.place} /${literal.pattern}/ ${verdict(literal)}`);
    expect(verdicts.filter((line) => !line.endsWith(" safe"))).toEqual([]);
  }, 180_000);
});
