import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, readBlocks, type Block } from "./blocks.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const blocks = readBlocks(root);

// Inside of the package, so that "hipflask" means the package itself, as built.
mkdirSync(join(root, ".cache"), { recursive: true });
const workplace = mkdtempSync(join(root, ".cache/examples-"));

const place = ({ file, line }: Block) => `${file}:${line}`;
const nameOf = (block: Block) => place(block).replaceAll(/[^\w-]+/g, "_");

/** What an app declares of its session counts for the whole program it is checked with: such a block stands alone. */
const declares = ({ code }: Block) => /\bdeclare (?:module|global)\b/.test(code);

interface Program {
  readonly name: string;
  readonly blocks: readonly Block[];
}

const programs: Program[] = [
  { name: "shared", blocks: blocks.filter((block) => !declares(block)) },
  ...blocks.filter(declares).map((block) => ({ name: nameOf(block), blocks: [block] })),
];

async function writeProgram({ name, blocks: ours }: Program): Promise<void> {
  const folder = join(workplace, name);
  await mkdir(folder);
  const compilerOptions = { noEmit: false, rootDir: ".", outDir: "js", moduleDetection: "force" };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"], exclude: [] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  for (const block of ours) {
    // Empty lines before the code make the compiler's line numbers those of the page.
    await writeFile(join(folder, `${nameOf(block)}.ts`), "\n".repeat(block.line - 1) + block.code);
  }
}

/** Compiles everything at once. @returns the compiler's complaints, in terms of the pages. */
async function compile(): Promise<string[]> {
  await Promise.all(programs.map(writeProgram));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const folders = programs.map(({ name }) => join(workplace, name));
  const answer = await run(process.execPath, [tsc, "-b", ...folders], { cwd: workplace }).catch(
    (failure: { stdout: string }) => failure,
  );
  const pages = new Map(blocks.map((block) => [nameOf(block), block.file]));
  return answer.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^\S*?([\w-]+)\.ts(?=[(:])/, (_, name: string) => pages.get(name) ?? name));
}

let complaints: string[] = [];

/** Lets examples import the clients that only test/databases installs. */
async function linkDatabases(): Promise<void> {
  for (const name of ["@aws-sdk", "@types/memcached", "memcached", "mongodb"]) {
    const installed = join(root, "test/databases/node_modules", name);
    if (!existsSync(installed)) continue;
    const link = join(workplace, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed, link);
  }
}

beforeAll(async () => {
  await linkDatabases();
  complaints = await compile();
}, 120_000);

afterAll(() => rm(workplace, { recursive: true, force: true }));

describe("examples in the documentation", () => {
  it("type-check", () => expect(complaints).toEqual([]));

  it.concurrent.each(blocks.filter(({ runs }) => runs).map((block) => [place(block), block] as const))(
    "run: %s",
    async (_, block) => {
      const folder = join(workplace, declares(block) ? nameOf(block) : "shared");
      const preload = join(import.meta.dirname, "run-example.js");
      const { stderr } = await run(
        process.execPath,
        ["--import", preload, join(folder, "js", `${nameOf(block)}.js`)],
        {
          cwd: folder,
          env: { ...process.env, SECRET_KEY: "a secret for the examples alone, and long enough" },
          timeout: 15_000,
        },
      );
      expect(stderr).not.toMatch(/Error|Warning/);
    },
  );
});

describe("blocksOf", () => {
  it("finds the blocks of a page, with their lines and marks", () => {
    const page =
      "# Title\n\n```ts\nconst a = 1;\n```\n\n```ts no-run\nb();\n```\n\n```ts no-check\n…\n```\n\n```sh\nnpm ci\n```\n";
    expect(blocksOf("docs/a.md", page)).toEqual([
      { file: "docs/a.md", line: 4, runs: true, code: "const a = 1;" },
      { file: "docs/a.md", line: 8, runs: false, code: "b();" },
    ]);
  });

  it("finds those of doc comments", () => {
    const source =
      "/**\n * Adds.\n * @example\n * ```ts\n * add(1,\n *   2);\n * ```\n */\nexport const add = 1;\n";
    expect(blocksOf("src/a.ts", source)).toEqual([
      { file: "src/a.ts", line: 5, runs: true, code: "add(1,\n  2);" },
    ]);
  });

  it("refuses a block without an end", () => {
    expect(() => blocksOf("docs/a.md", "```ts\nconst a = 1;\n")).toThrow(
      "docs/a.md:1: the block is not closed",
    );
  });
});
