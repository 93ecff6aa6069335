import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One ```ts block of the documentation. */
export interface Block {
  readonly file: string;
  /** Line of its first line of code, counted from 1. */
  readonly line: number;
  readonly code: string;
  /** False for a block marked `no-run`: checked, but it needs something that is not there. */
  readonly runs: boolean;
}

const OPENING = /^\s*```ts(?: (?<mark>no-run|no-check))?\s*$/;

/** @returns the blocks of one Markdown file, or of the doc comments of one source file; those marked `no-check` are left out. */
export function blocksOf(file: string, page: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; mark: string | undefined; code: string[] } | undefined;
  for (const [index, raw] of page.split("\n").entries()) {
    const text = (file.endsWith(".ts") ? /^\s*\* ?(.*)$/.exec(raw)?.[1] : raw) ?? "";
    const opening = OPENING.exec(text);
    if (open && text.trim() === "```") {
      const { line, mark, code } = open;
      if (mark !== "no-check") blocks.push({ file, line, runs: mark !== "no-run", code: code.join("\n") });
      open = undefined;
    } else if (open) {
      open.code.push(text);
    } else if (opening) {
      open = { line: index + 2, mark: opening.groups?.["mark"], code: [] };
    }
  }
  if (open) throw new Error(`${file}:${open.line - 1}: the block is not closed`);
  return blocks;
}

const SKIPPED = new Set(["node_modules", "dist", "generated", ".git", ".cache", "test"]);

/** @returns all blocks: of README.md and the other pages, of `docs/`, and of the doc comments in `src/`. */
export function readBlocks(root: string, folder = ""): Block[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (SKIPPED.has(entry.name)) return [];
      if (entry.isDirectory()) return readBlocks(root, path);
      const isPage = path.endsWith(".md");
      const isSource = path.startsWith("src/") && path.endsWith(".ts") && !path.endsWith(".test.ts");
      return isPage || isSource ? blocksOf(path, readFileSync(join(root, path), "utf8")) : [];
    });
}
