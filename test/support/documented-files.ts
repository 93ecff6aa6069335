import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../..");
/** A block that names its file: "`src/hooks.server.ts`:" before it, and nothing between. */
const BLOCK = /`([^`\n]+)`[^`\n]*:\n\n```(?:tsx?|svelte)(?: no-check)?\n([\s\S]*?)```/g;

/**
 * Compares the files that a page shows with those of a tested app.
 *
 * @returns what is not the same, and a complaint if the page shows no file at all
 */
export function documentedFiles(page: string, app: string): string[] {
  const blocks = [...readFileSync(join(repository, page), "utf8").matchAll(BLOCK)];
  if (blocks.length === 0) return [`${page} shows no file`];
  return blocks.flatMap(([, name = "", shown]) => {
    const path = join(app, name);
    if (!existsSync(path)) return [`${page} shows ${name}, which the tested app has not`];
    return readFileSync(path, "utf8") === shown ? [] : [`${page} shows another ${name} than the tested app has`];
  });
}
